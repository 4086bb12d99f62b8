#pragma once

#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/core/async.hpp"
#include "weft/handlers/ephemeral/presence_status.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/handlers/user_data/account_data.hpp"
#include "weft/handlers/user_data/push_rules.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/handlers/user_data/tags.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/rest/client/account_data.hpp"
#include "weft/rest/client/presence.hpp"
#include "weft/rest/client/push_rules.hpp"
#include "weft/rest/client/receipts.hpp"
#include "weft/rest/client/tags.hpp"
#include "weft/rest/client/typing.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/receipt_store.hpp"

namespace weft::test {

inline constexpr auto kAlice = "@alice:test";
inline constexpr auto kBob = "@bob:test";
inline constexpr auto kCarol = "@carol:test";

using Users = std::vector<std::string>;

/// The typing stream, which begins with each start of its writer.
struct TypingStream : storage::StreamState {
    TypingStream(const std::string& self, const std::string& writer) : StreamState{"typing", self, {writer}} {
        seed(0);
    }
};

/// The process that writes all these streams, with rooms.
struct UserDataFixture : RoomsFixture {
    explicit UserDataFixture(core::Config wanted = roomy_config()) : RoomsFixture{std::move(wanted)} {
        typing_endpoints.register_on(router);
        receipt_endpoints.register_on(router);
        presence_endpoints.register_on(router);
        account_data_endpoints.register_on(router);
        tag_endpoints.register_on(router);
        push_rule_endpoints.register_on(router);
        storage.run(presence.start());
    }
    ~UserDataFixture() {
        storage.run(presence.stop());
        storage.run(typing.stop());
    }

    /// A room of Alice's that Bob has joined.
    std::string shared_room() {
        const auto room_id = create_room(kAlice, R"({"preset": "public_chat"})");
        REQUIRE(post(kBob, "/rooms/" + room_id + "/join").status == 200);
        return room_id;
    }
    std::string say(const std::string& room_id, const std::string& text) {
        static int txn = 0;
        const auto answer = put(kAlice, "/rooms/" + room_id + "/send/m.room.message/" + std::to_string(++txn),
                                R"({"msgtype": "m.text", "body": ")" + text + "\"}");
        REQUIRE(answer.status == 200);
        return answer.text("event_id");
    }
    /// Lets the process run until `done`, at most ten seconds.
    void wait_until(std::function<bool()> done) {
        auto wait = [](std::function<bool()> condition) -> Task<void> {
            while (!condition()) co_await core::sleep_for(core::Milliseconds{5});
        };
        run(storage.io, wait(std::move(done)), std::chrono::seconds{10});
    }
    std::string presence_of(const std::string& user_id) {
        const auto known = storage.run(presence.states(Users{user_id}));
        return known.empty() ? "" : known.front().state;
    }

    TypingStream typing_stream{"master", "master"};
    storage::StreamState& receipts_stream = storage.stream("receipts");
    storage::StreamState& presence_stream = storage.stream("presence");
    storage::ReceiptStore receipt_store{storage.context(), receipts_stream};
    storage::PresenceStore presence_store{storage.context(), presence_stream};
    handlers::Typing typing{storage.io.get_executor(), storage.clock, states, typing_stream};
    handlers::Presence presence{storage.io.get_executor(), config, storage.clock, presence_store, rpc};
    handlers::PresenceStatus presence_status{presence, states};
    handlers::Receipts receipts{reader, events, receipt_store, account_data_store, presence, storage.clock};
    handlers::AccountData account_data{account_data_store, push_actions};
    handlers::Tags tags{account_data_store};
    handlers::PushRules rules{push_rules, push_actions};
    rest::TypingEndpoints typing_endpoints{typing, presence};
    rest::ReceiptEndpoints receipt_endpoints{receipts};
    rest::PresenceEndpoints presence_endpoints{presence_status};
    rest::AccountDataEndpoints account_data_endpoints{account_data};
    rest::TagEndpoints tag_endpoints{tags};
    rest::PushRuleEndpoints push_rule_endpoints{rules};
};

inline bool refused(const Answer& answer, int status, std::string_view errcode) {
    INFO(boost::json::serialize(answer.body));
    return answer.status == status && answer.errcode() == errcode;
}

}  // namespace weft::test
