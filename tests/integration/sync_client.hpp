#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/core/async.hpp"
#include "weft/http/uri.hpp"

namespace weft::test {

using Strings = std::vector<std::string>;

/// A part of an answer by its path, null if it is not there. Keys that hold dots (room IDs) are one name each.
inline const boost::json::value* part(const boost::json::object& answer, std::initializer_list<std::string_view> path) {
    const boost::json::object* here = &answer;
    const boost::json::value* found = nullptr;
    for (const auto name : path) {
        found = here ? here->if_contains(name) : nullptr;
        here = found ? found->if_object() : nullptr;
    }
    return found;
}

/// The events of a section, e.g. events(answer, {"rooms", "join", room_id, "timeline"}).
inline std::vector<boost::json::object> events(const boost::json::object& answer, std::initializer_list<std::string_view> section) {
    std::vector<boost::json::object> out;
    const auto* const found = part(answer, section);
    const auto* const list = found && found->is_object() ? found->as_object().if_contains("events") : nullptr;
    if (!list) return out;
    for (const auto& event : list->as_array()) out.push_back(event.as_object());
    return out;
}

inline std::string text_at(const boost::json::object& object, std::string_view key) {
    return std::string{proto::get_string(object, key).value_or("")};
}

/// Bodies of messages; of other events the type, of members what they did: "bob join".
inline Strings told(const std::vector<boost::json::object>& events) {
    Strings out;
    for (const auto& event : events) {
        const auto& content = event.at("content").as_object();
        const auto type = text_at(event, "type");
        if (content.contains("body")) {
            out.push_back(text_at(content, "body"));
        } else if (type == "m.room.member") {
            const auto user = text_at(event, "state_key");
            out.push_back(user.substr(1, user.find(':') - 1) + " " + text_at(content, "membership"));
        } else {
            out.push_back(type);
        }
    }
    return out;
}
inline Strings sorted(Strings list) {
    std::sort(list.begin(), list.end());
    return list;
}
inline bool has(const Strings& list, const std::string& item) { return std::find(list.begin(), list.end(), item) != list.end(); }

/// Makes requests until they are answered as expected, at most ten seconds; false if they never are. For what a process does
/// by itself: run_until() is for conditions that take no request.
inline bool eventually(HomeserverFixture& fixture, const std::function<bool()>& done) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!done()) {
        if (std::chrono::steady_clock::now() > until) return false;
        fixture.run(core::sleep_for(core::Milliseconds{5}));
    }
    return true;
}

/// A device that syncs, each time from where it got to.
class SyncClient {
public:
    SyncClient(HomeserverFixture& fixture, std::string token, std::string filter = {})
        : fixture_{fixture}, token_{std::move(token)}, filter_{std::move(filter)} {}

    /// Sends requests to another process from now on.
    void move_to(TestProcess& process) { process_ = &process; }

    /// The answer with the next token; the client does not go on to it.
    Task<boost::json::object> request(std::string more = {}) {
        auto path = "/sync?" + more;
        if (!since.empty()) path += "&since=" + since;
        if (!filter_.empty()) path += "&filter=" + http::percent_encode(filter_);
        const auto answer = co_await fixture_.request(process_ ? *process_ : *fixture_.master, http::Method::kGet, token_, std::move(path), {});
        if (answer.status != 200) throw std::runtime_error{proto::to_json(answer.body)};
        co_return answer.body;
    }
    boost::json::object peek(const std::string& more = {}) { return fixture_.run(request(more)); }
    boost::json::object sync(const std::string& more = {}) {
        auto answer = peek(more);
        since = text_at(answer, "next_batch");
        return answer;
    }

    /// What the room's timeline and state hold in the next answer.
    Strings timeline_of(const std::string& room_id) { return told(events(sync(), {"rooms", "join", room_id, "timeline"})); }

    std::string since;

private:
    HomeserverFixture& fixture_;
    TestProcess* process_ = nullptr;  // the master
    std::string token_;
    std::string filter_;
};

inline Strings joined_timeline(const boost::json::object& answer, const std::string& room_id) {
    return told(events(answer, {"rooms", "join", room_id, "timeline"}));
}
inline Strings joined_state(const boost::json::object& answer, const std::string& room_id) {
    return sorted(told(events(answer, {"rooms", "join", room_id, "state"})));
}
inline bool is_limited(const boost::json::object& answer, const std::string& room_id) {
    const auto* const limited = part(answer, {"rooms", "join", room_id, "timeline", "limited"});
    return limited && limited->is_bool() && limited->as_bool();
}
inline std::string prev_batch(const boost::json::object& answer, const std::string& room_id) {
    const auto* const token = part(answer, {"rooms", "join", room_id, "timeline", "prev_batch"});
    return token && token->is_string() ? std::string{token->as_string()} : "";
}

}  // namespace weft::test
