#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/storage/event_writer_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::storage {

/// This process's right to write the events of its share of the rooms, and the tokens for them. Logic thread
/// only.
class EventLease {
public:
    struct Options {
        std::string instance;
        std::string address;
        std::vector<std::string> configured;  // all writers in the order of their shares
    };
    EventLease(asio::any_io_executor executor, EventWriterStore& writers, StreamState& events,
               Options options);

    /// Waited for before this process writes for the first time: everybody has to know of it as a writer by
    /// then.
    void before_joining(std::function<Task<void>()> ready) { ready_ = std::move(ready); }
    /// Told of a writer that has left its rooms, and of its newest token, if it does not say so itself: it may have died after
    /// a commit and before the announcement.
    void on_ended(std::function<void(const std::string& instance, std::int64_t token)> function) { ended_ = std::move(function); }
    /// Takes the lease if there is none yet; done by the first send otherwise.
    Task<void> ensure();
    /// Looks anew what belongs to us, after a transaction found the lease replaced.
    Task<void> refresh();
    /// Leaves our rooms to other writers, if there are any, and takes no lease any more.
    Task<void> leave();
    Task<void> stop();

    /// 0 if there is none. What was known of a room under another number may be old.
    std::int64_t number() const { return number_; }
    bool owns(const proto::RoomId& room_id) const;
    /// Sees to it that `count` tokens can be allocated at once. With `number()` unchanged they are newer than
    /// everything that was stored in our rooms before.
    Task<void> prepare_tokens(std::size_t count);

private:
    Task<void> fetch_tokens(std::size_t count);
    Task<void> prefetch_tokens();
    void drop_old_tokens();
    Task<void> join();
    Task<void> give_back(std::string holder);
    Task<void> wait_for_others();
    void tell_of_ended(const std::vector<std::pair<std::uint32_t, std::int64_t>>& newest) const;
    void follow_others();
    Task<void> skip_to_others();

    EventWriterStore& writers_;
    StreamState& events_;
    Options options_;
    std::string holder_;
    std::function<Task<void>()> ready_;
    std::function<void(const std::string&, std::int64_t)> ended_;
    EventWriterShares shares_;
    std::int64_t number_ = 0;
    std::int64_t supplied_ms_ = 0;  // when the tokens at hand were taken
    std::size_t fetched_ = 0;       // how many they were; 0 if they were dropped
    std::size_t fresh_tokens_ = 1;  // how many are of use to one of several writers
    bool left_ = false;
    bool joining_ = false;
    bool fetching_ = false;
    bool prefetching_ = false;
    bool following_ = false;
    core::Signal changed_;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::storage
