#include "weft/handlers/sync/sliding_sync.hpp"

#include "sync/sliding_impl.hpp"
#include "sync/stream_positions.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kTimeoutMaxMs = 600'000;

core::MatrixError unknown_position() {
    return {400, "M_UNKNOWN_POS", "Unknown position"};
}

std::vector<storage::StoredEventPtr> shown_events(const SlidingAnswer& answer) {
    std::vector<storage::StoredEventPtr> out;
    for (const auto& [room_id, room] : answer.rooms)
        out.insert(out.end(), room.timeline.events.begin(), room.timeline.events.end());
    return out;
}

storage::SlidingConnection connection_of(const SlidingSyncRequest& request) {
    return {request.user_id, request.device_id, request.conn_id};
}

}  // namespace

std::string SlidingSync::Impl::lazy_device(const SlidingSyncRequest& request) {
    return request.user_id + '\x1f' + request.device_id + '\x1f' + request.conn_id;
}

SlidingSync::Impl::Impl(SyncSources from, storage::SlidingSyncStore& connection_store,
                        storage::RoomRecencyStore& recency_store, DeviceListChanges& device_list_changes)
    : sources{std::move(from)},
      connections{connection_store},
      recency{recency_store},
      device_lists{device_list_changes},
      timelines{sources.events, sources.visibility} {
    sources.events_stream.on_invalidate([this](std::int64_t token, const storage::StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* const event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
            if (event && event->type == proto::event_type::kMember)
                newest_member = std::max(newest_member, token);
        }
    });
}

Task<SlidingConnectionState> SlidingSync::Impl::load_state(const SlidingSyncRequest& request) {
    if (!request.pos) co_return SlidingConnectionState{};
    const auto text = co_await connections.load(connection_of(request), request.pos->position_id);
    auto state = text ? SlidingConnectionState::parse(*text) : std::nullopt;
    if (!state) throw unknown_position();
    co_return std::move(*state);
}

Task<std::string> SlidingSync::Impl::run(SlidingSyncRequest request) {
    const auto guard = sources.presence.user_syncs(request.user_id, request.set_presence);
    const auto started = sources.clock.monotonic_ms();
    const auto timeout = std::min(std::max<std::int64_t>(request.timeout_ms, 0), kTimeoutMaxMs);
    const auto before = co_await load_state(request);
    if (!request.pos) lazy.reset(lazy_device(request));
    if (request.pos) forget_restarted_streams(sources, request.pos->streams);
    const auto since = request.pos ? std::optional{request.pos->streams} : std::nullopt;
    EventViewer viewer{request.user_id, request.device_id, 0, false, {}, proto::EventFormatWanted::kClient,
                       nullptr};
    for (bool timed_out = false;;) {
        const auto listener =
            sources.notifier.listen(request.user_id, co_await sources.states.rooms_of_user(request.user_id));
        const auto generation = listener->generation;
        // The token comes first: what happens while we read belongs to the next answer.
        const auto next = next_token(sources, since);
        auto state = before;
        const auto answer = co_await collect(request, state, next);
        const auto left = timeout - (sources.clock.monotonic_ms() - started);
        if (!request.pos || !answer.empty() || left <= 0 || timed_out || ending) {
            note_keys_told(request, answer);
            const auto position = co_await position_after(request, before, state);
            co_await sources.aggregations.add_to(viewer, shown_events(answer));
            viewer.now_ms = sources.clock.now_ms();
            co_return write_sliding_answer(answer, position, viewer);
        }
        if (answer.rooms_of_user != listener->rooms) {
            // The user's rooms changed while they were read: listen to the right ones, and look again.
            sources.notifier.listen(request.user_id, answer.rooms_of_user);
            if (next_token(sources, since) != next) continue;
        }
        timed_out = !co_await sources.notifier.wait(listener, generation, left);
    }
}

/// Most answers to a client that keeps up leave the connection as it was: then only the streams' tokens move,
/// and nothing is written.
Task<std::int64_t> SlidingSync::Impl::position_after(const SlidingSyncRequest& request,
                                                     const SlidingConnectionState& before,
                                                     const SlidingConnectionState& after) {
    if (request.pos && before == after) co_return request.pos->position_id;
    const auto shown = request.pos ? std::optional{request.pos->position_id} : std::nullopt;
    co_return co_await connections.add(connection_of(request), shown, after.to_string());
}

Task<SlidingAnswer> SlidingSync::Impl::collect(const SlidingSyncRequest& request,
                                               SlidingConnectionState& state, SyncToken next) {
    SlidingAnswer answer;
    answer.next = next;
    answer.rooms_of_user = co_await sources.states.rooms_of_user(request.user_id);
    const auto facts = co_await user_facts(request.user_id);
    const auto rooms = co_await sorted_rooms(request, state, answer.rooms_of_user);
    auto wanted = co_await wanted_rooms(request, rooms, facts, answer);
    place(wanted, request, state);
    co_await read_receipts(request, wanted, answer);
    co_await add_rooms(request, wanted, facts, answer);
    co_await add_extensions(request, wanted, answer);
    co_await note_missed(request, wanted, state);
    note_sent(wanted, state);
    co_return answer;
}

SlidingSync::SlidingSync(SyncSources sources, storage::SlidingSyncStore& connections,
                         storage::RoomRecencyStore& recency, DeviceListChanges& device_lists)
    : impl_{std::make_unique<Impl>(std::move(sources), connections, recency, device_lists)} {}
SlidingSync::~SlidingSync() = default;

Task<std::string> SlidingSync::sync(SlidingSyncRequest request) {
    return impl_->run(std::move(request));
}

void SlidingSync::end_polls() {
    impl_->ending = true;
    impl_->sources.notifier.wake_all();
}

}  // namespace weft::handlers
