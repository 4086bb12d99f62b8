#include "big_room.hpp"

#include "weft/proto/auth_rules.hpp"

namespace weft::bench {

namespace json = boost::json;
using proto::EventId;
using proto::StateKey;
using proto::StateMap;

namespace {

const std::string kAdmin = "@admin:bench";
const proto::RoomVersion& version() {
    return proto::RoomVersion::get("11");
}

}  // namespace

BigRoom::BigRoom(std::string name, int state_events) : name_{std::move(name)}, id_{"!" + name_ + ":bench"} {
    send(state_, "m.room.create", "", kAdmin, {{"room_version", version().id}});
    member(state_, kAdmin, "join", kAdmin);
    levels(state_);
    send(state_, "m.room.join_rules", "", kAdmin, {{"join_rule", "public"}});
    send(state_, "m.room.name", "", kAdmin, {{"name", name_}});
    while (static_cast<int>(state_.size()) < state_events) {
        const auto who = user(users_++);
        member(state_, who, "join", who);
        // Of ten members three change their name later and one leaves; the levels change every thousand
        // members.
        const auto churn = random_() % 10;
        const auto old = user(static_cast<int>(random_() % static_cast<unsigned>(users_)));
        if (churn < 3) member(state_, old, "join", old);
        if (churn == 3) member(state_, old, "leave", old);
        if (users_ % 1000 == 0) levels(state_);
    }
}

const EventId* BigRoom::find(const StateMap& on, const StateKey& key) const {
    if (const auto found = on.find(key); found != on.end()) return &found->second;
    const auto found = state_.find(key);
    return found == state_.end() ? nullptr : &found->second;
}

EventId BigRoom::send(StateMap& on, std::string type, std::string state_key, std::string sender,
                      json::object content) {
    json::array auth;
    for (const auto& key : proto::auth_types_for_event(type, sender, state_key, content, version())) {
        if (const auto* id = find(on, key)) auth.push_back(json::string{id->str()});
    }
    const auto number = std::to_string(order_.size());
    // As long as real ones are.
    const auto id = EventId::trusted(
        "$" + name_ + std::string(43 - std::min<std::size_t>(43, name_.size() + number.size()), '_') +
        number);
    const auto at = static_cast<std::int64_t>(order_.size());
    json::object unsigned_data;
    if (const auto* replaced = find(on, StateKey{type, state_key}))
        unsigned_data["replaces_state"] = replaced->str();
    const json::object pdu{{"type", type},
                           {"state_key", state_key},
                           {"room_id", id_},
                           {"sender", sender},
                           {"content", std::move(content)},
                           {"auth_events", std::move(auth)},
                           {"prev_events", json::array{}},
                           {"depth", at + 1},
                           {"origin_server_ts", 1'700'000'000'000 + at},
                           {"hashes", {{"sha256", std::string(43, 'x')}}},
                           {"signatures", {{"bench", {{"ed25519:a", std::string(86, 'y')}}}}},
                           {"unsigned", std::move(unsigned_data)}};
    order_.push_back(proto::Event::from_database(id, proto::to_json(pdu), "{}", version()).value());
    on.insert_or_assign(StateKey{std::move(type), std::move(state_key)}, id);
    return id;
}

void BigRoom::member(StateMap& on, const std::string& user_id, std::string_view membership,
                     const std::string& sender) {
    send(on, "m.room.member", user_id, sender,
         {{"membership", membership}, {"displayname", "Name " + std::to_string(random_() % 1000)}});
}

void BigRoom::levels(StateMap& on) {
    json::object users{{kAdmin, 100}};
    for (int n = 0; n < std::min(users_, 20); ++n) users[user(n)] = 50;
    send(on, "m.room.power_levels", "", kAdmin, {{"users", std::move(users)}});
}

BigRoom::Branch BigRoom::fork(int events) {
    Branch branch;
    auto& on = branch.changed;
    const auto known = users_;
    const auto somebody = [&] { return user(static_cast<int>(random_() % static_cast<unsigned>(known))); };
    for (int n = 0; n < events; ++n) {
        const auto who =
            n % 3 == 0 ? "@fork" + std::to_string(forks_) + "_" + std::to_string(n) + ":bench" : somebody();
        if (n == 4) {
            send(on, "m.room.topic", "", kAdmin, {{"topic", "Fork " + std::to_string(forks_)}});
        } else if (n == 7) {
            member(on, who, "leave", kAdmin);
        } else if (n == 8 && forks_ % 2 == 0) {
            levels(on);
        } else {
            member(on, who, "join", who);
        }
    }
    ++forks_;
    return branch;
}

}  // namespace weft::bench
