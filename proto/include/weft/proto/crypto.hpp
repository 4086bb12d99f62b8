#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "weft/core/result.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/room_version.hpp"

namespace weft::proto {

/// Unpadded base64 (appendices); decoding accepts padding. Bytes travel in std::string.
std::string base64_encode(std::string_view bytes);
std::string base64_url_encode(std::string_view bytes);
core::Result<std::string> base64_decode(std::string_view text);
core::Result<std::string> base64_url_decode(std::string_view text);

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(std::string_view bytes);
inline std::string_view as_bytes(const Sha256& hash) {
    return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

/// An ed25519 key of this server, in the file format `ed25519 <version> <unpadded base64 seed>`.
class SigningKey {
public:
    /// The first key of the text; lines of other algorithms are an error.
    static core::Result<SigningKey> parse(std::string_view text);
    static SigningKey generate(std::string version);

    const std::string& version() const noexcept { return version_; }
    /// `ed25519:<version>`.
    std::string key_id() const { return "ed25519:" + version_; }
    std::string public_key_base64() const;
    /// Unpadded base64 of the signature.
    std::string sign(std::string_view message) const;
    /// One line, as parse() reads it.
    std::string to_text() const;

private:
    SigningKey(std::string version, std::string_view seed);

    std::string version_;
    std::array<std::uint8_t, 64> secret_{};
};

/// True if `signature` (raw bytes) is valid; false for keys or signatures of the wrong size too.
bool verify_signature(std::string_view message, std::string_view signature, std::string_view public_key);

/// Adds the signature under signatures.<signer>.<key id> (appendices, "Signing JSON").
void sign_json(json::object& object, std::string_view signer, const SigningKey& key);
/// Checks the one signature of `signer` by `key_id` with the raw public key.
core::Result<void> verify_json(const json::object& object, std::string_view signer, std::string_view key_id,
                               std::string_view public_key);

/// Hash over everything but unsigned, signatures and hashes (server-server API, "Calculating the content
/// hash").
Sha256 content_hash(const json::object& event);
/// Hash over the redacted event without signatures and unsigned.
Sha256 reference_hash(const json::object& event, const RoomVersion& version);
/// Whether hashes.sha256 is the content hash.
bool content_hash_matches(const json::object& event);
/// The id of a PDU: its reference hash, or its `event_id` in room versions 1 and 2.
core::Result<EventId> compute_event_id(const json::object& event, const RoomVersion& version);
/// Signs the redacted form of the event, and puts the signature into the event.
void sign_event(json::object& event, const RoomVersion& version, std::string_view signer,
                const SigningKey& key);
/// Checks a server's signature on an event.
core::Result<void> verify_event(const json::object& event, const RoomVersion& version,
                                std::string_view signer, std::string_view key_id,
                                std::string_view public_key);

}  // namespace weft::proto
