#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "weft/core/background.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::workers {

/// Applies the events stream's rows after loading the events they name: whoever the rows wake, a hundred
/// users perhaps, finds the events in memory. What arrives during a load is loaded together. Order is kept.
/// Logic thread only.
class EventsApplier {
public:
    /// Reads the events that rows name. May throw: the rows are applied all the same.
    using PreloadFunction = std::function<Task<void>(storage::StreamRows rows)>;
    /// Beyond so many waiting tokens the database cannot keep up: they are applied without their events,
    /// which are then loaded when needed.
    static constexpr std::size_t kWaitingMax = 10'000;

    EventsApplier(asio::any_io_executor executor, PreloadFunction preload, storage::StreamState& stream,
                  std::size_t waiting_max = kWaitingMax);
    EventsApplier(asio::any_io_executor executor, storage::EventsStore& events, storage::StreamState& stream);

    /// Whether somebody waits for an event of this room and state key (empty if it has none). Without,
    /// everything counts.
    using WantedFunction = std::function<bool(const std::string& room_id, const std::string& state_key)>;
    void preload_only(WantedFunction wanted) { wanted_ = std::move(wanted); }
    void apply(const std::string& instance, std::int64_t token, storage::StreamRows rows);
    void advance(const std::string& instance, std::int64_t token);
    /// The newest token that was handed in, applied or not.
    std::int64_t position(const std::string& instance) const;
    Task<void> stop();

private:
    struct Item {
        std::string instance;
        std::int64_t token;
        storage::StreamRows rows;
        bool advance_only;
    };
    void enqueue(Item item);
    void perform(const Item& item);
    bool is_wanted(const boost::json::value& row) const;
    bool is_wanted(const storage::StreamRows& rows) const;
    Task<void> drain();
    /// Those whose events are being read, then those that wait.
    void perform_all();
    void perform_next(std::deque<Item>& items);
    Task<void> preload(storage::StreamRows rows);

    PreloadFunction preload_;
    storage::StreamState& stream_;
    std::size_t waiting_max_;
    WantedFunction wanted_;
    std::deque<Item> loading_;
    std::deque<Item> queue_;
    std::map<std::string, std::int64_t> positions_;
    bool running_ = false;
    core::BackgroundTasks tasks_;
};

}  // namespace weft::workers
