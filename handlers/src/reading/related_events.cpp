#include "weft/handlers/reading/related_events.hpp"

namespace weft::handlers {
namespace {

/// How many pages of which the user sees nothing are passed over in one request.
constexpr int kHiddenPagesMax = 10;

}  // namespace

Task<std::vector<storage::StoredEventPtr>> RelatedEvents::shown(std::string user_id,
                                                                std::vector<proto::EventId> ids) {
    auto events = co_await visibility_.visible(user_id, co_await events_.get_stored(std::move(ids)));
    const auto ignored = co_await ignored_users(account_data_, std::move(user_id));
    std::erase_if(events,
                  [&](const auto& stored) { return ignored.contains(stored->event->sender().str()); });
    co_return events;
}

Task<RelatedPage> RelatedEvents::page(std::string user_id, storage::RelationQuery query) {
    co_await reader_.event(EventQuery{user_id, query.room_id, query.event_id});
    RelatedPage out;
    for (int pages = 0; pages < kHiddenPagesMax && out.chunk.empty(); ++pages) {
        auto page = co_await relations_.page(query);
        out.chunk = co_await shown(user_id, std::move(page.events));
        out.next.reset();
        if (!page.more) break;
        query.from = out.next = page.next;
    }
    co_return out;
}

Task<RelatedPage> RelatedEvents::threads(ThreadsWanted wanted) {
    co_await access_.require(wanted.user_id, wanted.room_id);
    storage::ThreadQuery query{wanted.room_id};
    query.from = wanted.from;
    query.limit = wanted.limit;
    if (wanted.participated) query.participant = wanted.user_id;
    RelatedPage out;
    for (int pages = 0; pages < kHiddenPagesMax && out.chunk.empty(); ++pages) {
        auto page = co_await relations_.threads(query);
        out.chunk = co_await shown(wanted.user_id, std::move(page.events));
        out.next.reset();
        if (!page.more) break;
        query.from = out.next = page.next;
    }
    co_return out;
}

}  // namespace weft::handlers
