#pragma once

#include <string>

namespace weft::proto::test {

/// Rows of an event_json table as Synapse 1.15 wrote it, signed by the server localhost:8800.
struct RealEvent {
    const char* room_version;
    const char* event_id;
    const char* json;
    const char* internal_metadata;
};

inline constexpr const char* kRealPublicKey = "/U3XFzkOXe1p4YpRkWXcq4kXB4YyJQeH5JzSgsorZGU";
inline constexpr const char* kRealKeyId = "ed25519:a_dXKV";

// clang-format off
inline const RealEvent kRealEvents[] = {
    {"1", "$17952120810eambu:localhost:8800",
     R"({"auth_events": [], "prev_events": [], "type": "m.room.create", "room_id": "!fLVCyaFAEPCQLPBQvr:localhost:8800", "sender": "@g12081rv1a:localhost:8800", "content": {"room_version": "1", "creator": "@g12081rv1a:localhost:8800"}, "depth": 1, "prev_state": [], "state_key": "", "event_id": "$17952120810eambu:localhost:8800", "origin": "localhost:8800", "origin_server_ts": 1795212081957, "hashes": {"sha256": "bNydn/KCwdT6y9k/FeHVw6xW4abl4JD8LYH92T4x/8I"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "hOiEG/kVzIe+4NK9KZZq41Z1t3nptFKMl7R2Qoblg7w9L07NHj4kFCqeQ1p5oUT+7p29rzCnzZqyXTtGKNxiDA"}}, "unsigned": {"age_ts": 1795212081957}})",
     R"({"token_id": 28, "stream_ordering": 109})"},
    {"1", "$17952120811EJgVn:localhost:8800",
     R"({"auth_events": [["$17952120810eambu:localhost:8800", {"sha256": "4/I4PEKnAEgieUE6BvsjwJM3X9YgLBjMI/wQVCBhke0"}]], "prev_events": [["$17952120810eambu:localhost:8800", {"sha256": "4/I4PEKnAEgieUE6BvsjwJM3X9YgLBjMI/wQVCBhke0"}]], "type": "m.room.member", "room_id": "!fLVCyaFAEPCQLPBQvr:localhost:8800", "sender": "@g12081rv1a:localhost:8800", "content": {"membership": "join", "displayname": "g12081rv1a"}, "depth": 2, "prev_state": [], "state_key": "@g12081rv1a:localhost:8800", "event_id": "$17952120811EJgVn:localhost:8800", "origin": "localhost:8800", "origin_server_ts": 1795212081986, "hashes": {"sha256": "pZ0990C2sIxcDVpCpfKaB+uwFbOr7Ie+Qmmv2M73rEA"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "boKwibWLpRVd33SH23tGnvJm8KY7hURyrlANoJCI9iZuYOxAAcAFzGK7eKVBU6dqpvUkpz/VeVAmdzIBvi9zBg"}}, "unsigned": {"age_ts": 1795212081986}})",
     R"({"token_id": 28, "stream_ordering": 110})"},
    {"3", "$IGazvdnwtofoAZJx3Dpp4khJB2+ekxoeuoeRag1GTW8",
     R"({"auth_events": [], "prev_events": [], "type": "m.room.create", "room_id": "!KbQwaRemKbswOealgc:localhost:8800", "sender": "@g12081rv3a:localhost:8800", "content": {"room_version": "3", "creator": "@g12081rv3a:localhost:8800"}, "depth": 1, "prev_state": [], "state_key": "", "origin": "localhost:8800", "origin_server_ts": 1795212106524, "hashes": {"sha256": "e2mZGMxO+ErhVR8ZMv5BH3mRCSMrLAkwIWOkwXYvtIg"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "hAFauEym50irMESsAlytjEgSEdxppXtZBzZFrg3KS1k5zbiy6yv2Ey9ZORLNo+DNmO3LY09t+tlpPnJUsirVCQ"}}, "unsigned": {"age_ts": 1795212106524}})",
     R"({"token_id": 32, "stream_ordering": 151})"},
    {"3", "$XGVIXW9R4kQIexJ2P7TpU0OCjcbHvEkfVAu7Um5d3dI",
     R"({"auth_events": ["$OUx4oH+c8OUFrUYumERaJ/58jP5tPsNyIgHrw0xXmrg", "$IGazvdnwtofoAZJx3Dpp4khJB2+ekxoeuoeRag1GTW8", "$og9QeDBJRXnmAqTysV+ur4/RU9h2WeuJqdRxOq9LrD4"], "prev_events": ["$OUx4oH+c8OUFrUYumERaJ/58jP5tPsNyIgHrw0xXmrg"], "type": "m.room.redaction", "room_id": "!KbQwaRemKbswOealgc:localhost:8800", "sender": "@g12081rv3a:localhost:8800", "content": {"reason": "test"}, "depth": 14, "prev_state": [], "redacts": "$5y84yGfuBMfYS0qvlGw+PInl4PALFJtk7771NpRdfvY", "origin": "localhost:8800", "origin_server_ts": 1795212111928, "hashes": {"sha256": "7qVJEHnqLyQ+aHNJXk2fVJ4HUq+0ssLYRkq9CB1wgiI"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "8UygqKUp1CeCAUoiF7903US+zBTqt5wjbJuvYXH/dqEngwOvSl3o6deLBaawDHHcRxS4beZpDYhqr5v2fl0XBg"}}, "unsigned": {"age_ts": 1795212111928}})",
     R"({"token_id": 32, "txn_id": "r1", "stream_ordering": 164})"},
    {"4", "$xXmYcx1mEi7v-BnlPXgjMuebnunHPwqT9o3-L3W_E0c",
     R"({"auth_events": ["$qKdyjpwgfGtgvjw7c8KCeNm5jvrPV2G3jHAcAatrZNg", "$6FTxEmUfq-tY9P_GVnGqD_R-RCS8r8IBoG5-L_j31wA", "$jTggiKH028dQF7goflRyQ9f0aliLtWUtDvdhXw90xEo"], "prev_events": ["$5LQRpc9_w6RwIu7P2oZV19kDWi9ZytFisIZMIjuh5mE"], "type": "m.room.message", "room_id": "!AyHqmxLVbBHZRfagkm:localhost:8800", "sender": "@g12081rv4a:localhost:8800", "content": {"msgtype": "m.text", "body": "hello v4"}, "depth": 11, "prev_state": [], "origin": "localhost:8800", "origin_server_ts": 1795212121615, "hashes": {"sha256": "Uwwf//bM/5nFegzoCCgGiwc0Wb4lfgK+93yowoktMBE"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "MWfAuDmEahsmiCJkuyhGvcK/JEsbVrNYWgp1/lwOrro53NPe1YdrNf/qUBG0J3c9gKfvQO7rjyf6D+emDuCfDQ"}}, "unsigned": {"age_ts": 1795212121615}})",
     R"({"token_id": 34, "txn_id": "a16261.1", "stream_ordering": 182})"},
    {"6", "$L6Bq_rmeYz0zCFShXiczaGes3WMPOzGdn1LcblP8O6A",
     R"({"auth_events": ["$mpTbgkDiIKgr-Xn1LvYKhLnM-EAq-EtMhQp6K3iVTQ0", "$fWzZw7yGKuKzjnG6Ej5qSsUyjMc4mWPMx_3N9RCRtO8"], "prev_events": ["$mpTbgkDiIKgr-Xn1LvYKhLnM-EAq-EtMhQp6K3iVTQ0"], "type": "m.room.power_levels", "room_id": "!LputpMZJxrWuTjPSnr:localhost:8800", "sender": "@g11913upa:localhost:8800", "content": {"users": {"@g11913upa:localhost:8800": 100}, "users_default": 0, "events": {"m.room.name": 50, "m.room.power_levels": 100, "m.room.history_visibility": 100, "m.room.canonical_alias": 50, "m.room.avatar": 50, "m.room.tombstone": 100, "m.room.server_acl": 100, "m.room.encryption": 100}, "events_default": 0, "state_default": 50, "ban": 50, "kick": 50, "redact": 50, "invite": 50}, "depth": 3, "prev_state": [], "state_key": "", "origin": "localhost:8800", "origin_server_ts": 1795212033227, "hashes": {"sha256": "VHmUHyk2PMQZr42MlTmWoJWnoaH5vFf+/32DJVsih6o"}, "signatures": {"localhost:8800": {"ed25519:a_dXKV": "SNsjO6AaY/mgV0T1LZ8BFZLyRzMDXXq+OBNb0XdKte/RXrNiBHy3FI7A+TXfVTBcfd5ZGQxzissbcdlHqiBiDA"}}, "unsigned": {"age_ts": 1795212033227}})",
     R"({"token_id": 24, "stream_ordering": 95})"},
};
// clang-format on

}  // namespace weft::proto::test
