#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "weft/core/task.hpp"
#include "weft/http/body.hpp"

namespace weft::http {

enum class Method { kGet, kPost, kPut, kDelete, kHead, kOptions, kPatch, kOther };
std::string_view to_string(Method method);
std::optional<Method> parse_method(std::string_view text);

/// Header fields: names compare without case; order and duplicates are kept.
class Headers {
public:
    void set(std::string name, std::string value);  // replaces
    void add(std::string name, std::string value);
    /// The first value, or nothing.
    std::optional<std::string_view> get(std::string_view name) const;
    const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// Parameters of the query string, percent-decoded. Duplicates are kept (`server_name` may repeat).
using Query = std::vector<std::pair<std::string, std::string>>;

/// Who makes a request, known after authentication. Filled in by the router's authenticator.
struct Requester {
    std::string user_id;
    std::string device_id;  // empty: a token without device
    std::string access_token;
    std::int64_t access_token_id = 0;
    bool is_guest = false;
    bool is_admin = false;
    bool is_locked = false;     // may do nothing but log out
    bool is_suspended = false;  // may do nothing that others see
    std::string appservice_id = {};  // of the application service that acts in the user's name
};

/// A parsed request. Path parameters are percent-decoded and valid UTF-8.
struct Request {
    Method method = Method::kGet;
    std::string target;  // as on the request line
    std::string path;    // raw path without query
    Query query;
    Headers headers;
    std::string body;
    BodyStreamPtr body_stream;   // instead of `body`, at endpoints that stream, unless the request came whole
    std::string remote_address;  // of the client, after X-Forwarded-For where the peer is trusted
    std::map<std::string, std::string, std::less<>> path_params;
    std::optional<Requester> requester;  // set where the endpoint asks for authentication
    std::string request_id;

    /// Value of a query parameter, or nothing.
    std::optional<std::string_view> query_param(std::string_view name) const;
    /// Integer query parameter; throws M_INVALID_PARAM if it is not one.
    std::optional<std::int64_t> query_int(std::string_view name) const;
    /// "true"/"false" query parameter; throws M_INVALID_PARAM if neither.
    std::optional<bool> query_bool(std::string_view name) const;
    /// A path parameter of the endpoint's template; it exists by construction.
    const std::string& param(std::string_view name) const;
    /// The body as a JSON object. Throws M_NOT_JSON if it is no JSON, M_BAD_JSON if it is not an object.
    /// An empty body counts as {} only if `allow_empty`.
    boost::json::object json_body(bool allow_empty = false) const;
    /// The body piece by piece, whether it came whole or not.
    BodyStreamPtr take_body();
    const Requester& auth() const { return *requester; }
};

/// What is sent back: `body`, or what `body_stream` gives. Content type is JSON unless said otherwise.
struct Response {
    Response() = default;
    Response(int status_code, std::string text) : status{status_code}, body{std::move(text)} {}

    int status = 200;
    std::string body = "{}";
    BodyStreamPtr body_stream;  // read while it is sent; without a length it goes in chunks
    std::string content_type = "application/json";
    Headers headers;

    static Response json(const boost::json::value& value, int status = 200);
    static Response empty_object() { return {}; }
    /// A pre-serialised JSON text.
    static Response raw_json(std::string text, int status = 200) { return Response{status, std::move(text)}; }
};

using Handler = std::function<Task<Response>(Request)>;

}  // namespace weft::http
