#include "real_events.hpp"

#include <catch2/catch.hpp>

#include "weft/proto/crypto.hpp"
#include "weft/proto/event.hpp"

using namespace weft::proto;
using namespace weft::proto::test;

TEST_CASE("events of a real server have the ids, hashes and signatures we compute", "[event]") {
    const auto key = base64_decode(kRealPublicKey).value();
    for (const auto& real : kRealEvents) {
        INFO(real.event_id);
        const auto& version = RoomVersion::get(real.room_version);
        const auto event = Event::from_json(real.json, version).value();

        CHECK(event->event_id().str() == real.event_id);
        CHECK(content_hash_matches(event->to_object()));
        CHECK(verify_event(event->to_object(), version, "localhost:8800", kRealKeyId, key).has_value());
    }
}

TEST_CASE("reference hashes of room version 1 are those that later events name", "[event]") {
    const auto& version = RoomVersion::get("1");
    const auto create = parse_json_object(kRealEvents[0].json).value();
    const auto join = parse_json_object(kRealEvents[1].json).value();

    const auto named = join.at("prev_events").at(0).at(1).at("sha256").as_string();
    CHECK(base64_encode(as_bytes(reference_hash(create, version))) == named);
}

TEST_CASE("rows of a real database load with their metadata", "[event]") {
    for (const auto& real : kRealEvents) {
        INFO(real.event_id);
        const auto event = Event::from_database(EventId::trusted(real.event_id), real.json,
                                                real.internal_metadata, RoomVersion::get(real.room_version))
                               .value();
        CHECK(event->stream_ordering() > 0);
        CHECK(event->metadata().token_id.has_value());
        CHECK(event->pdu_json() == real.json);
        CHECK(canonical_json(event->metadata().to_json()) ==
              canonical_json(parse_json_object(real.internal_metadata).value()));
    }
}
