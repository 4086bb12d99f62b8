#include "weft/http/message.hpp"

#include <charconv>
#include <stdexcept>

#include "ascii.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::http {

std::string_view to_string(Method method) {
    switch (method) {
        case Method::kGet:
            return "GET";
        case Method::kPost:
            return "POST";
        case Method::kPut:
            return "PUT";
        case Method::kDelete:
            return "DELETE";
        case Method::kHead:
            return "HEAD";
        case Method::kOptions:
            return "OPTIONS";
        case Method::kPatch:
            return "PATCH";
        case Method::kOther:
            break;
    }
    return "OTHER";
}

std::optional<Method> parse_method(std::string_view text) {
    for (const auto method : {Method::kGet, Method::kPost, Method::kPut, Method::kDelete, Method::kHead,
                              Method::kOptions, Method::kPatch}) {
        if (to_string(method) == text) return method;
    }
    return std::nullopt;
}

void Headers::set(std::string name, std::string value) {
    std::erase_if(fields_, [&](const auto& field) { return iequals(field.first, name); });
    add(std::move(name), std::move(value));
}

void Headers::add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (iequals(field, name)) return value;
    }
    return std::nullopt;
}

std::optional<std::string_view> Request::query_param(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return std::nullopt;
}

std::optional<std::int64_t> Request::query_int(std::string_view name) const {
    const auto text = query_param(name);
    if (!text) return std::nullopt;
    std::int64_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, number);
    if (error != std::errc{} || stop != end) {
        throw core::MatrixError::invalid_param(fmt::format("Query parameter '{}' must be an integer", name));
    }
    return number;
}

std::optional<bool> Request::query_bool(std::string_view name) const {
    const auto text = query_param(name);
    if (!text) return std::nullopt;
    if (*text == "true") return true;
    if (*text == "false") return false;
    throw core::MatrixError::invalid_param(fmt::format("Query parameter '{}' must be true or false", name));
}

const std::string& Request::param(std::string_view name) const {
    const auto found = path_params.find(name);
    if (found == path_params.end()) {
        throw std::logic_error{fmt::format("the endpoint's path has no parameter '{}'", name)};
    }
    return found->second;
}

BodyStreamPtr Request::take_body() {
    if (body_stream) return std::exchange(body_stream, nullptr);
    return std::make_shared<StringBody>(std::exchange(body, {}));
}

boost::json::object Request::json_body(bool allow_empty) const {
    if (body.empty() && allow_empty) return {};
    auto parsed = proto::parse_json(body);
    if (!parsed) throw core::MatrixError::not_json("Content not JSON: " + parsed.error().message);
    auto* const object = parsed->if_object();
    if (!object) throw core::MatrixError::bad_json("Content must be a JSON object");
    return std::move(*object);
}

Response Response::json(const boost::json::value& value, int status) {
    return Response{status, proto::to_json(value)};
}

}  // namespace weft::http
