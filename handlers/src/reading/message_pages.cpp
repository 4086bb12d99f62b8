#include "weft/handlers/reading/message_pages.hpp"

#include "reading/beginning.hpp"
#include "reading/sender_members.hpp"

namespace weft::handlers {
namespace {

using storage::Direction;
using storage::RoomToken;

/// How many pages of which the user sees nothing are passed over in one request.
constexpr int kHiddenPagesMax = 10;

bool is_after(const RoomToken& token, const RoomToken& end) {
    if (!token.topological || !end.topological) return token.stream.max() > end.stream.max();
    return std::pair{*token.topological, token.stream.min()} > std::pair{*end.topological, end.stream.min()};
}

}  // namespace

MessagePages::MessagePages(storage::EventsStore& events, storage::StateStore& states,
                           storage::AccountDataStore& account_data, RoomAccess& access, Visibility& visibility,
                           storage::StreamState& events_stream)
    : events_{events},
      states_{states},
      account_data_{account_data},
      access_{access},
      visibility_{visibility},
      events_stream_{events_stream} {}

Task<void> MessagePages::end_with_stay(MessagesQuery& query, RoomStanding::FormerStay stay) {
    const auto end =
        (co_await events_.token_of(stay.left_by)).value_or(RoomToken{std::nullopt, stay.left_at});
    auto& bound = query.direction == Direction::kBackward ? query.from : query.to;
    if (!bound || is_after(*bound, end)) bound = end;
}

Task<void> MessagePages::require_readable(MessagesQuery query) {
    co_await access_.require(std::move(query.user_id), std::move(query.room_id));
}

Task<MessagesPage> MessagePages::read(MessagesQuery query) {
    const auto access = co_await access_.require(query.user_id, query.room_id);
    if (access.ends_with_stay()) co_await end_with_stay(query, *access.standing.former);

    MessagesPage out;
    const bool back = query.direction == Direction::kBackward;
    auto from = query.from.value_or(back ? RoomToken{std::nullopt, events_stream_.writer_positions()} : kBeginning);
    out.start = from;
    const bool nothing_wanted = query.filter.admits_nothing() || !query.filter.matches_room(query.room_id);
    if (nothing_wanted) co_return out;

    const auto ignored = co_await ignored_users(account_data_, query.user_id);
    for (int pages = 1; pages <= kHiddenPagesMax && out.chunk.empty(); ++pages) {
        auto page = co_await events_.paginate(query.room_id, from, query.to, query.direction, query.limit,
                                              query.filter);
        auto stored = co_await events_.get_stored(std::move(page.events));
        out.chunk = co_await visibility_.visible(query.user_id, std::move(stored));
        remove_ignored(out.chunk, ignored);
        out.end.reset();
        // What a filter leaves is not the end of the room: clients of other servers expect to be able to go on.
        if (page.more || (!query.filter.admits_everything() && !out.chunk.empty())) out.end = page.next;
        if (!page.more) break;
        from = page.next;
    }
    if (query.filter.lazy_load_members && !out.chunk.empty()) {
        const auto& newest = back ? out.chunk.front() : out.chunk.back();
        out.state = co_await sender_members(events_, states_, out.chunk, newest->event->event_id());
    }
    co_return out;
}

}  // namespace weft::handlers
