#include "matrix_user.hpp"

#include <fmt/format.h>

namespace weft::loadgen {

namespace {

constexpr std::string_view kApi = "/_matrix/client/v3";

/// What a client that shows rooms asks for: members as they are needed. Presence of a hundred strangers in
/// one room would be most of what the measured responses say, so it is left out.
json::object sync_filter(MatrixUser::Members members) {
    const bool lazy = members == MatrixUser::Members::kLazy;
    return {{"room", {{"timeline", {{"limit", 20}}}, {"state", {{"lazy_load_members", lazy}}}}},
            {"presence", {{"types", json::array{}}}}};
}

std::string text_member(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value || !value->is_string())
        throw BenchError{fmt::format("no {} in {}", key, json::serialize(object))};
    return std::string{value->as_string()};
}

json::object parse_object(const std::string& body) {
    boost::system::error_code error;
    auto value = json::parse(body, error);
    if (error || !value.is_object())
        throw BenchError{fmt::format("not a JSON object: {}", body.substr(0, 200))};
    return std::move(value.as_object());
}

/// The value of `next_batch`, found without parsing the response.
std::string find_next_batch(std::string_view body) {
    constexpr std::string_view kKey = "\"next_batch\"";
    const auto key = body.find(kKey);
    if (key == std::string_view::npos) throw BenchError{"a /sync response without next_batch"};
    const auto start = body.find('"', key + kKey.size());
    const auto end = start == std::string_view::npos ? start : body.find('"', start + 1);
    if (end == std::string_view::npos) throw BenchError{"a /sync response with a damaged next_batch"};
    return std::string{body.substr(start + 1, end - start - 1)};
}

}  // namespace

std::string url_encode(std::string_view text) {
    std::string out;
    for (const unsigned char c : text) {
        if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            out += static_cast<char>(c);
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}", c);
        }
    }
    return out;
}

MatrixUser::MatrixUser(asio::any_io_executor executor, Server server, std::string name)
    : connection_{std::move(executor), server.endpoint},
      host_{std::move(server.host)},
      name_{std::move(name)} {}

Task<HttpResponse> MatrixUser::request(std::string method, std::string target, std::string body,
                                       std::function<void()> sent) {
    std::string text = fmt::format("{} {}{} HTTP/1.1\r\nHost: {}\r\n", method, kApi, target, host_);
    if (!access_token_.empty()) text += fmt::format("Authorization: Bearer {}\r\n", access_token_);
    if (method != "GET") {
        text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
    }
    text += "\r\n";
    text += body;
    co_return co_await connection_.exchange(std::move(text), std::move(sent));
}

Task<json::object> MatrixUser::call(std::string method, std::string target, json::object body) {
    const auto response = co_await request(method, target, json::serialize(body));
    if (response.status != 200) {
        throw BenchError{fmt::format("{}: {} {}: {} {}", name_, method, target, response.status,
                                     response.body.substr(0, 300))};
    }
    co_return parse_object(response.body);
}

Task<void> MatrixUser::register_account() {
    json::object wanted{{"username", name_}, {"password", name_ + " weaves"}};
    const auto challenge = co_await request("POST", "/register", json::serialize(wanted));
    if (challenge.status != 401) {
        throw BenchError{fmt::format("/register: {} {}", challenge.status, challenge.body.substr(0, 300))};
    }
    const auto session = text_member(parse_object(challenge.body), "session");
    wanted["auth"] = json::object{{"type", "m.login.dummy"}, {"session", session}};
    const auto account = co_await call("POST", "/register", wanted);
    user_id_ = text_member(account, "user_id");
    access_token_ = text_member(account, "access_token");
    co_await use_filter(Members::kLazy);
}

Task<void> MatrixUser::adopt_account(std::string user_id, std::string access_token) {
    user_id_ = std::move(user_id);
    access_token_ = std::move(access_token);
    co_await use_filter(Members::kLazy);
}

Task<void> MatrixUser::use_filter(Members members) {
    const auto filter = co_await call("POST", "/user/" + url_encode(user_id_) + "/filter", sync_filter(members));
    filter_id_ = text_member(filter, "filter_id");
}

Task<std::string> MatrixUser::create_room(std::string name) {
    const json::object options{{"preset", "public_chat"}, {"name", name}, {"topic", "A room to measure"}};
    co_return text_member(co_await call("POST", "/createRoom", options), "room_id");
}

Task<void> MatrixUser::join(std::string room_id) {
    co_await call("POST", "/join/" + url_encode(room_id), {});
}

Task<std::string> MatrixUser::send_text(std::string room_id, std::string text) {
    const auto target =
        fmt::format("/rooms/{}/send/m.room.message/{}-{}", url_encode(room_id), name_, ++transactions_);
    const json::object content{{"msgtype", "m.text"}, {"body", text}};
    co_return text_member(co_await call("PUT", target, content), "event_id");
}

Task<std::string> MatrixUser::sync(int timeout_ms, std::function<void()> sent) {
    auto target = fmt::format("/sync?filter={}&timeout={}", url_encode(filter_id_), timeout_ms);
    if (!since_.empty()) target += "&since=" + url_encode(since_);
    auto response = co_await request("GET", target, {}, std::move(sent));
    if (response.status != 200) {
        throw BenchError{
            fmt::format("{}: /sync: {} {}", name_, response.status, response.body.substr(0, 300))};
    }
    since_ = find_next_batch(response.body);
    co_return std::move(response.body);
}

}  // namespace weft::loadgen
