#include "weft/storage/state_store.hpp"

#include <unordered_set>

#include "state/event_texts.hpp"
#include "state/room_states.hpp"
#include "state/state_groups.hpp"
#include "weft/core/cache.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {
namespace {

constexpr std::size_t kStateEventsMax = 2'000'000;
constexpr std::size_t kGroupBytesMax = 128 * 1024 * 1024;
constexpr std::size_t kUsersMax = 50'000;

constexpr Sql kCurrentStates{
    "current_states",
    "SELECT room_id, type, state_key, event_id, membership FROM current_state_events "
    "WHERE room_id = ANY($1::text[])"};
constexpr Sql kRoomsOfUser{
    "rooms_of_user",
    "SELECT l.room_id, l.membership, l.event_id, e.stream_ordering, e.sender, e.writer_tag, NOT EXISTS (SELECT 1 FROM "
    "room_memberships m "
    "WHERE m.user_id = l.user_id AND m.room_id = l.room_id AND m.forgotten = 0) "
    "FROM local_current_membership l JOIN events e ON e.event_id = l.event_id WHERE l.user_id = $1"};
constexpr Sql kGroupsOf{
    "state_groups_of",
    "SELECT event_id, state_group FROM event_to_state_groups WHERE event_id = ANY($1::text[])"};

constexpr Sql kChangedKeys{"changed_state_keys",
                           "SELECT stream_id, writer_tag, type, state_key FROM current_state_delta_stream "
                           "WHERE stream_id > $2 AND stream_id <= $3 AND room_id = $1"};

}  // namespace

struct StateStore::Impl {
    Impl(Databases databases, EventsStore& events_store, std::size_t rooms_max,
         const asio::any_io_executor& executor)
        : db{databases.main},
          events{events_store},
          rooms{rooms_max, kStateEventsMax, executor},
          groups{databases, kGroupBytesMax},
          rooms_of_user{"rooms_of_user", kUsersMax, executor} {}

    /// Reads rooms that nobody else reads. What changed beyond recognition while it was read is left out.
    Task<std::unordered_map<proto::RoomId, RoomStatePtr>> load(
        std::unordered_map<proto::RoomId, std::shared_ptr<RoomState>> wanted, std::vector<std::string> ids) {
        for (const auto& [room_id, state] : wanted) rooms.begin_load(room_id);
        std::exception_ptr failure;
        try {
            const auto rows = co_await db.query(kCurrentStates, ids);
            for (const auto row : rows) {
                wanted.at(proto::RoomId::trusted(row[0].str()))
                    ->set({row[1].view(), row[2].view()}, proto::EventId::trusted(row[3].str()),
                          row[4].is_null() ? "leave" : row[4].view());
            }
        } catch (...) {
            failure = std::current_exception();
        }
        std::unordered_map<proto::RoomId, RoomStatePtr> out;
        for (auto& [room_id, state] : wanted) {
            if (auto finished = rooms.finish_load(room_id, failure ? nullptr : state))
                out.emplace(room_id, std::move(finished));
        }
        if (failure) std::rethrow_exception(failure);
        co_return out;
    }

    void apply_rows(const StreamRows& rows_of_token) {
        for (const auto& json : rows_of_token) {
            const auto row = proto::replication::parse_events_row(json);
            if (!row) continue;
            if (const auto* state = std::get_if<proto::replication::EventsStateRow>(&*row)) {
                apply_state(*state);
            } else if (const auto& event = std::get<proto::replication::EventsEventRow>(*row);
                       event.type == proto::event_type::kMember && event.state_key) {
                rooms_of_user.invalidate(*event.state_key);  // also invites to rooms we are not in
            }
        }
    }

    void apply_state(const proto::replication::EventsStateRow& row) {
        const auto room_id = proto::RoomId::trusted(row.room_id);
        StateDelta delta{{row.type, row.state_key}, std::nullopt, {}};
        if (row.event_id) delta.event_id = proto::EventId::trusted(*row.event_id);
        if (row.type == proto::event_type::kMember) {
            rooms_of_user.invalidate(row.state_key);
            if (delta.event_id) {
                const auto stored = events.cached(*delta.event_id);
                if (!stored) {
                    rooms.drop(room_id);  // the membership is not known: read the room anew
                    return;
                }
                delta.membership = stored->event->membership().value_or("leave");
            }
        }
        rooms.change(room_id, delta);
    }

    Database& db;
    EventsStore& events;
    RoomStates rooms;
    StateGroups groups;
    core::Cache<std::string, UserRooms> rooms_of_user;
};

StateStore::StateStore(Databases databases, StreamState& events, EventsStore& store, CacheRegistry& caches,
                       std::size_t rooms_max, asio::any_io_executor executor)
    : impl_{std::make_unique<Impl>(databases, store, rooms_max, executor)} {
    events.on_invalidate(
        [impl = impl_.get()](std::int64_t, const StreamRows& rows) { impl->apply_rows(rows); });
    const auto drop_user = [impl = impl_.get()](const std::vector<std::string>& keys) {
        if (!keys.empty()) impl->rooms_of_user.invalidate(keys.front());
    };
    const auto drop_users = [impl = impl_.get()] { impl->rooms_of_user.invalidate_all(); };
    caches.add("did_forget", drop_user, drop_users);
    caches.add("get_forgotten_rooms_for_user", drop_user, drop_users);
    caches.add("get_invited_rooms_for_local_user", drop_user, drop_users);
    // The events stream says which key changed; this row is for processes that only know that something did.
    caches.add(
        "cs_cache_fake", [](const std::vector<std::string>&) {}, [] {});
}

StateStore::~StateStore() = default;

void StateStore::forget_room(const proto::RoomId& room_id) {
    impl_->rooms.drop(room_id);
}

RoomStatePtr StateStore::cached_current_state(const proto::RoomId& room_id) { return impl_->rooms.find(room_id); }

Task<RoomStatePtr> StateStore::current_state(proto::RoomId room_id) {
    if (auto hit = impl_->rooms.find(room_id)) co_return hit;
    std::vector<proto::RoomId> rooms;
    rooms.push_back(room_id);
    auto states = co_await current_states(std::move(rooms));
    co_return states.at(room_id);
}

Task<std::unordered_map<proto::RoomId, RoomStatePtr>> StateStore::current_states(
    std::vector<proto::RoomId> rooms) {
    std::unordered_map<proto::RoomId, RoomStatePtr> out;
    for (;;) {
        std::unordered_map<proto::RoomId, std::shared_ptr<RoomState>> mine;
        std::vector<std::string> mine_ids;
        RoomStates::LoadPtr other;
        for (const auto& room_id : rooms) {
            if (out.contains(room_id)) continue;
            if (auto hit = impl_->rooms.find(room_id)) {
                out.emplace(room_id, std::move(hit));
            } else if (auto load = impl_->rooms.loading(room_id)) {
                other = std::move(load);
            } else if (mine.try_emplace(room_id, std::make_shared<RoomState>()).second) {
                mine_ids.push_back(room_id.str());
            }
        }
        if (!mine.empty()) {
            for (auto& [room_id, state] : co_await impl_->load(std::move(mine), std::move(mine_ids)))
                out.emplace(room_id, state);
        } else if (other) {
            while (!other->done) co_await other->finished.wait();
        } else {
            co_return out;
        }
    }
}

Task<StateMapPtr> StateStore::stored_state(proto::RoomId room_id) {
    std::vector<std::string> ids;
    ids.push_back(room_id.str());
    const auto rows = co_await impl_->db.query(kCurrentStates, ids);
    auto state = std::make_shared<proto::StateMap>();
    for (const auto row : rows) {
        state->emplace(proto::StateKey{row[1].view(), row[2].view()}, proto::EventId::trusted(row[3].str()));
    }
    co_return state;
}

Task<proto::EventPtr> StateStore::current_event(proto::RoomId room_id, std::string type,
                                                std::string state_key) {
    const auto state = co_await current_state(room_id);
    const auto* id = state->find(type, state_key);
    if (!id) co_return nullptr;
    co_return co_await impl_->events.get_event(*id);
}

Task<std::vector<std::string>> StateStore::joined_local_users(proto::RoomId room_id,
                                                              std::string_view server_name) {
    const std::string suffix = ":" + std::string{server_name};
    const auto state = co_await current_state(room_id);
    std::vector<std::string> out;
    for (const auto& [user_id, member] : state->members) {
        if (member.membership == "join" && user_id.ends_with(suffix)) out.push_back(user_id);
    }
    co_return out;
}

Task<UserRoomsPtr> StateStore::rooms_of_user(std::string user_id) {
    auto* impl = impl_.get();
    std::function<Task<UserRooms>(std::string)> load = [impl](std::string user) -> Task<UserRooms> {
        const auto rows = co_await impl->db.query(kRoomsOfUser, user);
        UserRooms out;
        for (const auto row : rows) {
            auto room_id = proto::RoomId::trusted(row[0].str());
            const auto writer = row[5].opt_i64();
            out.emplace(room_id, UserRoom{room_id, row[1].str(), proto::EventId::trusted(row[2].str()), row[3].i64(), row[4].str(),
                                          row[6].boolean(), writer ? WriterTag{static_cast<std::uint32_t>(*writer)} : std::nullopt});
        }
        co_return out;
    };
    co_return co_await impl_->rooms_of_user.get(std::move(user_id), std::move(load));
}

Task<bool> StateStore::share_room(std::string a, std::string b) {
    if (a == b) co_return true;
    const auto rooms = co_await rooms_of_user(a);
    std::vector<proto::RoomId> joined;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") joined.push_back(room_id);
    }
    const auto states = co_await current_states(std::move(joined));
    for (const auto& [room_id, state] : states) {
        if (state->membership(b) == "join") co_return true;
    }
    co_return false;
}

Task<std::vector<std::string>> StateStore::users_sharing_rooms(std::string user_id) {
    const auto rooms = co_await rooms_of_user(user_id);
    std::vector<proto::RoomId> joined;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") joined.push_back(room_id);
    }
    const auto states = co_await current_states(std::move(joined));
    std::unordered_set<std::string> users;
    for (const auto& [room_id, state] : states) {
        for (const auto& [member_id, member] : state->members) {
            if (member.membership == "join") users.insert(member_id);
        }
    }
    co_return std::vector<std::string>(users.begin(), users.end());
}

Task<std::unordered_map<proto::EventId, std::int64_t>> StateStore::groups_of(
    std::vector<proto::EventId> event_ids) {
    std::unordered_map<proto::EventId, std::int64_t> out;
    const auto rows = co_await impl_->db.query(kGroupsOf, texts(event_ids));
    for (const auto row : rows) out.emplace(proto::EventId::trusted(row[0].str()), row[1].i64());
    co_return out;
}

Task<StateMapPtr> StateStore::group(std::int64_t state_group) {
    return impl_->groups.get(state_group);
}

Task<std::size_t> StateStore::group_chain(std::int64_t state_group) {
    return impl_->groups.chain(state_group);
}

Task<StateMapPtr> StateStore::state_after(proto::EventId event_id) {
    std::vector<proto::EventId> ids;
    ids.push_back(event_id);
    const auto groups = co_await groups_of(std::move(ids));
    const auto found = groups.find(event_id);
    if (found == groups.end()) co_return nullptr;
    co_return co_await impl_->groups.get(found->second);
}

Task<StateMapPtr> StateStore::state_before(proto::EventId event_id) {
    const auto event = co_await impl_->events.get_event(event_id);
    if (!event) co_return nullptr;
    if (!event->is_state()) co_return co_await state_after(std::move(event_id));
    if (event->prev_events().empty()) co_return std::make_shared<const proto::StateMap>();
    if (event->prev_events().size() == 1) {
        if (auto before = co_await state_after(event->prev_events().front())) co_return before;
    }
    // Several previous events: the state after, without what the event itself changed.
    const auto after = co_await state_after(event_id);
    if (!after) co_return nullptr;
    auto before = std::make_shared<proto::StateMap>(*after);
    before->erase(event->key());
    if (const auto replaced = proto::get_string(event->unsigned_data(), "replaces_state")) {
        before->emplace(event->key(), proto::EventId::trusted(std::string{*replaced}));
    }
    co_return before;
}

Task<std::vector<proto::StateMap>> StateStore::difference(std::vector<std::int64_t> state_groups) {
    return impl_->groups.difference(std::move(state_groups));
}

Task<proto::StateMap> StateStore::keys_of_group(std::int64_t state_group, std::vector<proto::StateKey> keys) {
    auto states = co_await impl_->groups.get_keys({state_group}, std::move(keys));
    co_return std::move(states.at(state_group));
}

Task<std::vector<HeldKey>> StateStore::holders(std::int64_t state_group,
                                               std::vector<proto::EventId> event_ids) {
    return impl_->groups.holders(state_group, std::move(event_ids));
}

Task<std::unordered_map<proto::EventId, proto::StateMap>> StateStore::state_after_for_keys(
    std::vector<proto::EventId> event_ids, std::vector<proto::StateKey> keys) {
    const auto groups = co_await groups_of(std::move(event_ids));
    std::vector<std::int64_t> ids;
    for (const auto& [event_id, group] : groups) ids.push_back(group);
    const auto states = co_await impl_->groups.get_keys(std::move(ids), std::move(keys));
    std::unordered_map<proto::EventId, proto::StateMap> out;
    for (const auto& [event_id, group] : groups) out.emplace(event_id, states.at(group));
    co_return out;
}

Task<std::vector<proto::StateKey>> StateStore::changed_keys(proto::RoomId room_id, WriterPositions from, WriterPositions to) {
    const auto rows = co_await impl_->db.query(kChangedKeys, room_id.str(), from.min(), to.max());
    std::unordered_set<proto::StateKey> keys;
    for (const auto row : rows) {
        const auto tag = row[1].opt_i64();
        const auto writer = tag ? WriterTag{static_cast<std::uint32_t>(*tag)} : std::nullopt;
        if (!from.covers(writer, row[0].i64()) && to.covers(writer, row[0].i64())) keys.emplace(row[2].view(), row[3].view());
    }
    co_return std::vector<proto::StateKey>(keys.begin(), keys.end());
}

void StateStore::invalidate_user(const std::string& user_id) {
    impl_->rooms_of_user.invalidate(user_id);
}

void StateStore::put_group(std::int64_t state_group, StateMapPtr state) {
    impl_->groups.put(state_group, std::move(state));
}

}  // namespace weft::storage
