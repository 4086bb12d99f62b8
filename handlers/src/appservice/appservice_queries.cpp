#include "weft/handlers/appservice/appservice_queries.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/http/client.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;
using Service = Appservices::Service;

namespace {

constexpr std::string_view kUnstable = "/_matrix/app/unstable";
constexpr std::size_t kBodyShownMax = 4 * 1024;

bool is_success(int status) {
    return status >= 200 && status < 300;
}

std::string query_string(const http::Query& query) {
    std::string out;
    for (const auto& [key, value] : query) {
        out += out.empty() ? '?' : '&';
        out += http::percent_encode(key) + "=" + http::percent_encode(value);
    }
    return out;
}

std::string_view name_of(AppserviceQueries::Kind kind) {
    return kind == AppserviceQueries::Kind::kLocation ? "location" : "user";
}

/// Networks are told apart by service and name.
void name_instances(json::object& metadata, const Service& service) {
    auto* instances = metadata.if_contains("instances");
    if (!instances || !instances->is_array()) {
        metadata["instances"] = json::array{};
        return;
    }
    for (auto& item : instances->get_array()) {
        if (!item.is_object()) continue;
        const auto network = proto::get_string(item.get_object(), "network_id");
        if (network) item.get_object()["instance_id"] = service.id + "|" + std::string{*network};
    }
}

}  // namespace

Task<json::value> AppserviceQueries::ask(const Service& service, std::string path, std::string legacy_path) {
    json::value out;
    std::string failure;
    try {
        AppserviceClient::Request request{http::Method::kGet, path, std::move(legacy_path)};
        const auto response = co_await client_.send(service, std::move(request));
        if (is_success(response.status)) {
            auto parsed = proto::parse_json(response.body);
            out = parsed ? std::move(*parsed) : json::value(json::object());
        }
    } catch (const http::ClientError& error) {
        failure = error.what();
    }
    if (!failure.empty())
        core::log_info("appservice", "{} cannot be asked {}: {}", service.id, path, failure);
    co_return out;
}

Task<bool> AppserviceQueries::alias_exists(std::string alias) {
    for (const auto& service : services_.all()) {
        if (service.url.empty() || !core::namespace_holds(service.aliases, alias)) continue;
        const auto path = "/rooms/" + http::percent_encode(alias);
        if (!(co_await ask(service, path, path)).is_null()) co_return true;
    }
    co_return false;
}

Task<bool> AppserviceQueries::user_exists(std::string user_id) {
    for (const auto& service : services_.all()) {
        if (service.url.empty() || !services_.has_user(service, user_id)) continue;
        const auto path = "/users/" + http::percent_encode(user_id);
        if (!(co_await ask(service, path, path)).is_null()) co_return true;
    }
    co_return false;
}

std::vector<const Service*> AppserviceQueries::with_protocol(const std::string& name) const {
    std::vector<const Service*> out;
    for (const auto& service : services_.all()) {
        if (!service.url.empty() && std::ranges::find(service.protocols, name) != service.protocols.end())
            out.push_back(&service);
    }
    return out;
}

Task<json::object> AppserviceQueries::protocols() {
    std::set<std::string> names;
    for (const auto& service : services_.all())
        names.insert(service.protocols.begin(), service.protocols.end());
    json::object out;
    for (const auto& name : names) {
        try {
            out[name] = co_await protocol(name);
        } catch (const MatrixError&) {
            continue;  // nobody answers for it now
        }
    }
    co_return out;
}

Task<json::object> AppserviceQueries::protocol(std::string name) {
    std::optional<json::object> out;
    for (const auto* service : with_protocol(name)) {
        const auto path = "/thirdparty/protocol/" + http::percent_encode(name);
        auto answer = co_await ask(*service, path, std::string{kUnstable} + path);
        if (!answer.is_object()) continue;
        name_instances(answer.get_object(), *service);
        if (!out) {
            out = std::move(answer.get_object());
            continue;
        }
        for (auto& instance : answer.get_object()["instances"].get_array())
            (*out)["instances"].get_array().push_back(std::move(instance));
    }
    if (!out) throw MatrixError::not_found("No application service has this protocol");
    co_return std::move(*out);
}

Task<json::array> AppserviceQueries::ask_all(std::vector<const Service*> services, std::string path) {
    json::array out;
    for (const auto* service : services) {
        auto answer = co_await ask(*service, path, std::string{kUnstable} + path);
        if (!answer.is_array()) continue;
        for (auto& item : answer.get_array()) {
            if (item.is_object()) out.push_back(std::move(item));
        }
    }
    co_return out;
}

Task<json::array> AppserviceQueries::search(Kind kind, std::string protocol, http::Query fields) {
    auto services = with_protocol(protocol);
    if (services.empty()) throw MatrixError::not_found("No application service has this protocol");
    auto path = fmt::format("/thirdparty/{}/{}{}", name_of(kind), http::percent_encode(protocol),
                            query_string(fields));
    co_return co_await ask_all(std::move(services), std::move(path));
}

Task<json::array> AppserviceQueries::reverse(Kind kind, http::Query query) {
    std::vector<const Service*> services;
    for (const auto& service : services_.all()) {
        if (!service.url.empty() && !service.protocols.empty()) services.push_back(&service);
    }
    auto path = fmt::format("/thirdparty/{}{}", name_of(kind), query_string(query));
    co_return co_await ask_all(std::move(services), std::move(path));
}

Task<std::int64_t> AppserviceQueries::ping(const Service& service,
                                           std::optional<std::string> transaction_id) {
    if (service.url.empty())
        throw MatrixError{400, "M_URL_NOT_SET", "Application service doesn't have a URL configured"};
    json::object body;
    if (transaction_id) body["transaction_id"] = *transaction_id;
    AppserviceClient::Request request{http::Method::kPost, "/ping", {}, proto::to_json(body)};
    const auto started_ms = clock_.monotonic_ms();
    http::Response response;
    std::optional<MatrixError> failure;
    try {
        response = co_await client_.send(service, std::move(request));
    } catch (const http::ClientError& error) {
        failure =
            error.kind == http::ClientError::Kind::kTimeout
                ? MatrixError{504, "M_CONNECTION_TIMEOUT", "Connection to application service timed out"}
                : MatrixError{502, "M_CONNECTION_FAILED", error.what()};
    }
    if (failure) throw std::move(*failure);
    if (!is_success(response.status)) {
        const auto shown = proto::is_valid_utf8(response.body)
                               ? std::string{proto::truncate_utf8(response.body, kBodyShownMax)}
                               : std::string{};
        throw MatrixError{502, "M_BAD_STATUS", fmt::format("Ping returned status {}", response.status)}
            .with("status", response.status)
            .with("body", json::value(shown));
    }
    co_return clock_.monotonic_ms() - started_ms;
}

}  // namespace weft::handlers
