#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/event.hpp"

namespace weft::proto {

/// In which thread an event is (client-server API, "Threaded read receipts"): the one that its m.thread
/// relation names, or that in which the event is to which it relates, and so on for kHopsMax steps. Asks for
/// events; fetching them is the caller's.
class ThreadSearch {
public:
    static constexpr std::size_t kHopsMax = 3;

    explicit ThreadSearch(const Event& event);

    /// The event that is to be looked at next; null once the search is over.
    const EventId* wanted() const { return wanted_ ? &*wanted_ : nullptr; }
    /// What the wanted event is, null if it is not known.
    void found(const Event* event);

    /// The root of the thread; none: the main timeline, in which roots themselves are.
    const std::optional<std::string>& thread() const { return thread_; }
    /// Whether a receipt for the thread (a root's ID, or "main") may name the event. A thread's root, and
    /// what relates to that by other relations, may also count as read in the thread.
    bool may_be_read_in(std::string_view thread_id) const;

private:
    void follow(const Event& event);

    RoomId room_id_;
    std::vector<std::string> path_;  // the event and what it relates to, step by step
    std::optional<EventId> wanted_;
    std::optional<std::string> thread_;
};

}  // namespace weft::proto
