// The first answer to somebody who is in many rooms: it is made a few rooms at a time, as fast as the client takes it, so
// that it never is in memory as a whole.
#include <algorithm>

#include "sync/stream_positions.hpp"
#include "sync/sync_impl.hpp"

namespace weft::handlers {
namespace {

/// An answer about so many rooms is made at once.
constexpr std::size_t kRoomsWholeMax = 32;
/// Rooms that are told together: enough to share the queries, few enough to hold.
constexpr std::size_t kRoomsPerPart = 16;
/// And the state events in them, which only few large rooms together exceed; one room is always told whole.
constexpr std::size_t kStateEventsPerPart = 4'000;

/// What `write` writes as members of an object, without its braces.
template <class Write>
std::string members(Write write) {
    proto::JsonWriter writer{1024};
    writer.begin_object();
    write(writer);
    writer.end_object();
    const auto text = writer.take();
    return text.substr(1, text.size() - 2);
}

}  // namespace

class Sync::Impl::Parts final : public http::BodyStream {
public:
    Parts(Impl& sync, SyncRequest request, EventViewer viewer, Chosen chosen, SyncAnswer answer)
        : sync_{sync},
          request_{std::move(request)},
          viewer_{std::move(viewer)},
          chosen_{std::move(chosen)},
          answer_{std::move(answer)} {}

    Task<std::string> next() override;
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

private:
    enum class Stage { kStart, kJoined, kLeft, kEnd, kDone };

    Task<std::string> joined();
    Task<std::string> left();
    Task<std::string> end();
    Task<std::vector<SyncRooms::Joined>> take_joined();
    /// Only the token and the rooms of the user: what each part begins with.
    SyncAnswer part() const {
        SyncAnswer out;
        out.next = answer_.next;
        out.rooms = answer_.rooms;
        return out;
    }
    Task<EventViewer> viewer_of(const SyncAnswer& part);
    /// Members are separated from those that were sent before.
    std::string following(std::string text) {
        if (!text.empty() && std::exchange(after_member_, true)) text.insert(0, 1, ',');
        return text;
    }

    Impl& sync_;
    SyncRequest request_;
    EventViewer viewer_;
    Chosen chosen_;
    SyncAnswer answer_;
    Stage stage_ = Stage::kStart;
    std::size_t joined_told_ = 0;
    std::size_t left_told_ = 0;
    bool after_member_ = false;  // of the object that is open
};

Task<std::string> Sync::Impl::Parts::next() {
    switch (stage_) {
        case Stage::kStart: {
            stage_ = Stage::kJoined;
            co_return "{" + members([&](proto::JsonWriter& writer) { write_outside_rooms(writer, answer_); }) +
                R"(,"rooms":{"join":{)";
        }
        case Stage::kJoined:
            co_return co_await joined();
        case Stage::kLeft:
            co_return co_await left();
        case Stage::kEnd:
            co_return co_await end();
        case Stage::kDone:
            break;
    }
    co_return std::string{};
}

Task<std::vector<SyncRooms::Joined>> Sync::Impl::Parts::take_joined() {
    const auto& all = chosen_.rooms.joined;
    // Who was put out of a room meanwhile sees no more of it here; the next sync tells of the leaving.
    const auto rooms = co_await sync_.sources.states.rooms_of_user(request_.user_id);
    std::vector<SyncRooms::Joined> out;
    std::vector<proto::RoomId> ids;
    std::vector<std::size_t> places;
    for (; joined_told_ < all.size() && out.size() < kRoomsPerPart; ++joined_told_) {
        const auto found = rooms->find(all[joined_told_].room_id);
        if (found == rooms->end() || found->second.membership != "join") continue;
        out.push_back(all[joined_told_]);
        ids.push_back(out.back().room_id);
        places.push_back(joined_told_);
    }
    if (request_.filter->lazy_load_members()) co_return out;
    const auto states = co_await sync_.sources.states.current_states(ids);
    std::size_t fitting = 0;
    for (std::size_t events = 0; fitting < ids.size(); ++fitting) {
        events += states.at(ids[fitting])->events.size();
        if (fitting > 0 && events > kStateEventsPerPart) break;
    }
    if (fitting < out.size()) {
        joined_told_ = places[fitting];
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(fitting), out.end());
    }
    co_return out;
}

Task<EventViewer> Sync::Impl::Parts::viewer_of(const SyncAnswer& part) {
    auto viewer = viewer_;
    viewer.now_ms = sync_.sources.clock.now_ms();
    co_await sync_.sources.aggregations.add_to(viewer, timeline_events(part));
    co_return viewer;
}

Task<std::string> Sync::Impl::Parts::joined() {
    while (joined_told_ < chosen_.rooms.joined.size()) {
        auto answer = part();
        const auto rooms = co_await take_joined();
        co_await sync_.collect_joined(request_, rooms, chosen_.ignored, chosen_.user, answer);
        const auto viewer = co_await viewer_of(answer);
        auto text = following(members([&](proto::JsonWriter& writer) { write_joined_rooms(writer, answer, viewer); }));
        if (!text.empty()) co_return text;
    }
    stage_ = Stage::kLeft;
    after_member_ = false;
    co_return R"(},"leave":{)";
}

Task<std::string> Sync::Impl::Parts::left() {
    const auto& all = chosen_.rooms.left;
    while (left_told_ < all.size()) {
        auto answer = part();
        const auto count = std::min(kRoomsPerPart, all.size() - left_told_);
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(left_told_);
        const std::vector<SyncRooms::Left> rooms{first, first + static_cast<std::ptrdiff_t>(count)};
        left_told_ += count;
        co_await sync_.collect_left(request_, rooms, chosen_.ignored, chosen_.user, answer);
        const auto viewer = co_await viewer_of(answer);
        auto text = following(members([&](proto::JsonWriter& writer) { write_left_rooms(writer, answer, viewer); }));
        if (!text.empty()) co_return text;
    }
    stage_ = Stage::kEnd;
    co_return std::string{"}"};
}

Task<std::string> Sync::Impl::Parts::end() {
    auto answer = part();
    co_await sync_.collect_pending(request_, chosen_, answer);
    stage_ = Stage::kDone;
    const auto text = members([&](proto::JsonWriter& writer) { write_pending_rooms(writer, answer); });
    co_return (text.empty() ? text : "," + text) + "}}";
}

Task<SyncBody> Sync::Impl::run_initial(SyncRequest request, EventViewer viewer) {
    SyncAnswer answer;
    // The token comes first: what happens while we read belongs to the next answer, and is never passed over.
    answer.next = next_token(sources, std::nullopt);
    answer.rooms = co_await sources.states.rooms_of_user(request.user_id);
    lazy.reset(lazy_exchange(request, answer.next).device);
    auto chosen = co_await choose_rooms(request, answer);
    co_await collect_outside_rooms(request, chosen.user, answer);
    // Also if nobody's was: that the user is online now, because of this very sync, is no news worth an answer.
    sources.notifier.presence_told(*sources.notifier.listen(request.user_id, answer.rooms));
    note_keys_told(request, answer);
    if (chosen.rooms.joined.size() + chosen.rooms.left.size() > kRoomsWholeMax) {
        auto parts = std::make_shared<Parts>(*this, std::move(request), std::move(viewer), std::move(chosen), std::move(answer));
        co_return SyncBody{{}, std::move(parts)};
    }
    co_await collect_rooms(request, chosen, answer);
    viewer.now_ms = sources.clock.now_ms();
    co_await sources.aggregations.add_to(viewer, timeline_events(answer));
    co_return SyncBody{write_sync_answer(answer, viewer), nullptr};
}

}  // namespace weft::handlers
