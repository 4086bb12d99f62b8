#include "weft/proto/thread_search.hpp"

#include <algorithm>

namespace weft::proto {

ThreadSearch::ThreadSearch(const Event& event) : room_id_{event.room_id()} {
    path_.push_back(event.event_id().str());
    follow(event);
}

void ThreadSearch::found(const Event* event) {
    wanted_.reset();
    // What is said of another room's threads means nothing here.
    if (event && event->room_id() == room_id_) follow(*event);
}

void ThreadSearch::follow(const Event& event) {
    thread_ = thread_of(event);
    if (thread_) return;
    const auto relation = relation_of(event);
    if (!relation) return;
    auto target = EventId::parse(relation->event_id);
    if (!target) return;
    path_.push_back(target->str());
    if (path_.size() <= kHopsMax + 1) wanted_ = std::move(*target);
}

bool ThreadSearch::may_be_read_in(std::string_view thread_id) const {
    if (thread_) return *thread_ == thread_id;
    return thread_id == "main" || std::ranges::find(path_, thread_id) != path_.end();
}

}  // namespace weft::proto
