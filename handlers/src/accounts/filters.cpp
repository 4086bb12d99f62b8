#include "weft/handlers/accounts/filters.hpp"

#include <charconv>

#include "weft/core/errors.hpp"
#include "weft/proto/filter.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

std::string own_localpart(const std::string& requester, const std::string& user_id, const char* refusal) {
    if (requester != user_id) throw core::MatrixError::forbidden(refusal);
    return std::string{proto::UserId::trusted(user_id).localpart()};
}

}  // namespace

Task<std::int64_t> Filters::add(std::string requester, std::string user_id, boost::json::object definition) {
    auto localpart = own_localpart(requester, user_id, "Cannot create filters for other users");
    if (const auto parsed = proto::FilterDefinition::parse(definition); !parsed) {
        throw core::MatrixError::bad_json(parsed.error().message);
    }
    auto text = proto::canonical_json(definition);
    co_return co_await filters_.add(std::move(localpart), std::move(text));
}

Task<std::string> Filters::get(std::string requester, std::string user_id, std::string filter_id) {
    auto localpart = own_localpart(requester, user_id, "Cannot get filters for other users");
    std::int64_t number = 0;
    const auto* const end = filter_id.data() + filter_id.size();
    const auto [stop, error] = std::from_chars(filter_id.data(), end, number);
    const bool is_number = error == std::errc{} && stop == end;
    const auto filter = is_number ? co_await filters_.get(std::move(localpart), number) : nullptr;
    if (!filter) throw core::MatrixError::not_found("No such filter");
    co_return *filter;
}

}  // namespace weft::handlers
