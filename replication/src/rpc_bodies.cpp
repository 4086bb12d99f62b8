#include "rpc_bodies.hpp"

#include <algorithm>
#include <array>

#include "weft/http/uri.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/json.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::replication {

namespace {

/// Fields of a connection, not of a message, and those that its sender writes anew.
bool is_forwarded(std::string_view header) {
    static constexpr std::array<std::string_view, 8> kOwn{
        "host",       "content-length",  "connection", "transfer-encoding",
        "keep-alive", "accept-encoding", "upgrade",    "expect"};
    return std::none_of(kOwn.begin(), kOwn.end(), [&](std::string_view own) {
        return std::equal(own.begin(), own.end(), header.begin(), header.end(),
                          [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    });
}

json::array headers_to_json(const http::Headers& headers) {
    json::array out;
    for (const auto& [name, value] : headers.all()) {
        // Header values are bytes; JSON is UTF-8.
        if (is_forwarded(name) && proto::is_valid_utf8(value)) out.push_back(json::array{name, value});
    }
    return out;
}

void headers_from_json(const json::object& message, http::Headers& headers) {
    const auto* fields = proto::get_array(message, "headers");
    if (fields == nullptr) return;
    for (const auto& field : *fields) {
        const auto* pair = field.if_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string())
            continue;
        headers.add(std::string{(*pair)[0].get_string()}, std::string{(*pair)[1].get_string()});
    }
}

void put_body(json::object& message, const std::string& body) {
    if (proto::is_valid_utf8(body)) {
        message["body"] = body;
    } else {
        message["body_base64"] = proto::base64_encode(body);
    }
}

std::string body_from(const json::object& message) {
    if (const auto text = proto::get_string(message, "body")) return std::string{*text};
    if (const auto coded = proto::get_string(message, "body_base64")) {
        if (auto bytes = proto::base64_decode(*coded)) return std::move(*bytes);
    }
    return {};
}

}  // namespace

json::object updates_to_json(const Updates& page) {
    json::array rows;
    for (const auto& update : page.rows) rows.push_back(json::array{update.token, update.row});
    json::object answer{{"updates", std::move(rows)}, {"upto_token", page.upto}, {"limited", page.limited}};
    if (page.begins != 0) answer["begins_at"] = page.begins;
    return answer;
}

Updates parse_updates(const json::value& answer) {
    Updates page;
    const auto* object = answer.if_object();
    const auto* rows = object == nullptr ? nullptr : proto::get_array(*object, "updates");
    const auto upto = object == nullptr ? std::nullopt : proto::get_int(*object, "upto_token");
    const auto limited = object == nullptr ? std::nullopt : proto::get_bool(*object, "limited");
    if (rows == nullptr || !upto || !limited)
        throw RpcError{"get_repl_stream_updates answered something else"};
    page.upto = *upto;
    page.limited = *limited;
    page.begins = proto::get_int(*object, "begins_at").value_or(0);
    for (const auto& row : *rows) {
        const auto* pair = row.if_array();
        const auto token = pair != nullptr && pair->size() == 2 ? proto::as_int((*pair)[0]) : std::nullopt;
        if (!token) throw RpcError{"get_repl_stream_updates answered a row that is none"};
        page.rows.push_back({*token, (*pair)[1]});
    }
    return page;
}

json::object forwarded_to_json(const http::Request& request) {
    json::object message{{"method", http::to_string(request.method)},
                         {"target", request.target},
                         {"headers", headers_to_json(request.headers)},
                         {"remote_address", request.remote_address}};
    put_body(message, request.body);
    return message;
}

http::Request parse_forwarded(const json::value& message) {
    const auto* object = message.if_object();
    const auto method = object == nullptr ? std::nullopt : proto::get_string(*object, "method");
    const auto target = object == nullptr ? std::nullopt : proto::get_string(*object, "target");
    const auto address = object == nullptr ? std::nullopt : proto::get_string(*object, "remote_address");
    if (!method || !target) throw core::MatrixError::bad_json("not a forwarded request");

    http::Request request;
    request.method = http::parse_method(*method).value_or(http::Method::kOther);
    request.target = std::string{*target};
    const auto [path, query] = http::split_target(request.target);
    request.path = std::string{path};
    request.query = http::parse_query(query).value_or(http::Query{});
    request.remote_address = std::string{address.value_or("")};
    headers_from_json(*object, request.headers);
    request.body = body_from(*object);
    return request;
}

json::object answer_to_json(const http::Response& response) {
    json::object answer{{"status", response.status},
                        {"content_type", response.content_type},
                        {"headers", headers_to_json(response.headers)}};
    put_body(answer, response.body);
    return answer;
}

http::Response parse_answer(const json::value& answer) {
    const auto* object = answer.if_object();
    const auto status = object == nullptr ? std::nullopt : proto::get_int(*object, "status");
    if (!status || *status < 100 || *status > 599) throw RpcError{"a forwarded request has no answer"};
    http::Response response{static_cast<int>(*status), body_from(*object)};
    response.content_type =
        std::string{proto::get_string(*object, "content_type").value_or("application/json")};
    headers_from_json(*object, response.headers);
    return response;
}

}  // namespace weft::replication
