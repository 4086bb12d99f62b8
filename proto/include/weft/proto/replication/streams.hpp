#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

namespace weft::proto::replication {

/// Where rows that were missed are read from.
enum class StreamSource {
    kDatabase,  // every process can read them
    kMemory,    // only the writer has them: they are fetched from it by RPC
};

/// What is known of a stream by its name alone.
struct StreamInfo {
    std::string_view name;
    /// Key of `stream_writers` in the configuration that names its writers; empty: every process writes.
    std::string_view writer_key;
    StreamSource source;
    /// The stream that takes its tokens from the same counter; empty if none.
    std::string_view shares_tokens_with;
};

/// The sixteen streams, in the order in which positions are announced.
inline constexpr std::array<StreamInfo, 16> kStreams{{
    {"events", "events", StreamSource::kDatabase, ""},
    {"backfill", "events", StreamSource::kDatabase, ""},
    {"presence", "presence", StreamSource::kDatabase, ""},
    {"typing", "typing", StreamSource::kMemory, ""},
    {"receipts", "receipts", StreamSource::kDatabase, ""},
    {"push_rules", "push_rules", StreamSource::kDatabase, ""},
    {"pushers", "pushers", StreamSource::kDatabase, ""},
    {"caches", "", StreamSource::kDatabase, ""},
    {"public_rooms", "public_rooms", StreamSource::kDatabase, ""},
    {"device_lists", "device_lists", StreamSource::kDatabase, "user_signature"},
    {"to_device", "to_device", StreamSource::kDatabase, ""},
    {"federation", "federation", StreamSource::kMemory, ""},
    {"tag_account_data", "account_data", StreamSource::kDatabase, "account_data"},
    {"account_data", "account_data", StreamSource::kDatabase, "tag_account_data"},
    {"groups", "groups", StreamSource::kDatabase, ""},
    {"user_signature", "device_lists", StreamSource::kDatabase, "device_lists"},
}};

/// Entry of `name`, or null.
const StreamInfo* find_stream(std::string_view name);
/// Place of `name` in kStreams; unknown names sort last.
std::size_t stream_order(std::string_view name);

/// One feed: a stream as written by one instance.
struct StreamKey {
    std::string stream;
    std::string instance;
    auto operator<=>(const StreamKey&) const = default;
};

}  // namespace weft::proto::replication
