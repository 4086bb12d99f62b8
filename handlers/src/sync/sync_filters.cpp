#include "weft/handlers/sync/sync_filters.hpp"

#include <charconv>

#include "weft/core/errors.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

constexpr std::size_t kFiltersMax = 5'000;

proto::FilterDefinition parse(std::string_view text) {
    auto filter = proto::FilterDefinition::parse(text);
    if (!filter) throw MatrixError::bad_json("filter: " + filter.error().message);
    return std::move(*filter);
}

Task<proto::FilterDefinition> load(storage::FilterStore& filters, std::string user_id, std::string text) {
    if (text.front() == '{') co_return parse(text);
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size()) throw MatrixError::invalid_param("filter: neither JSON nor an ID");
    const auto user = proto::UserId::trusted(std::move(user_id));
    const auto stored = co_await filters.get(std::string{user.localpart()}, id);
    if (!stored) throw MatrixError::invalid_param("filter: no such filter");
    co_return parse(*stored);
}

}  // namespace

SyncFilters::SyncFilters(storage::FilterStore& filters, asio::any_io_executor executor)
    : filters_{filters}, default_{std::make_shared<const proto::FilterDefinition>()}, parsed_{"sync_filters", kFiltersMax, std::move(executor)} {}

Task<SyncFilters::FilterPtr> SyncFilters::find(std::string user_id, std::string text) {
    if (text.empty()) co_return default_;
    auto key = text.front() == '{' ? text : user_id + '\x1f' + text;
    std::function<Task<proto::FilterDefinition>(std::string)> loader = [this, user_id, text](std::string) {
        return load(filters_, user_id, text);
    };
    co_return co_await parsed_.get(std::move(key), std::move(loader));
}

}  // namespace weft::handlers
