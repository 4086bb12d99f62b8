#include "weft/proto/crypto.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "weft/proto/redaction.hpp"

namespace weft::proto {

namespace {

constexpr std::string_view kNotSigned[] = {"signatures", "unsigned"};
constexpr std::string_view kNotHashed[] = {"signatures", "unsigned", "hashes"};
constexpr std::string_view kNotReferenced[] = {"signatures", "unsigned", "age_ts"};

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string_view trim(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Cuts the first word off `text`.
std::string_view next_word(std::string_view& text) {
    text = trim(text);
    const auto end = std::min(text.find_first_of(" \t"), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

json::object& member_object(json::object& object, std::string_view key) {
    auto& value = object[key];
    if (!value.is_object()) value.emplace_object();
    return value.get_object();
}

void put_signature(json::object& object, std::string_view signer, const SigningKey& key,
                   std::string signature) {
    member_object(member_object(object, "signatures"), signer)[key.key_id()] = std::move(signature);
}

core::Result<void> check_signature(const json::object& signed_object, std::string_view message,
                                   std::string_view signer, std::string_view key_id,
                                   std::string_view public_key) {
    if (!key_id.starts_with("ed25519:")) return core::ParseError{"signature algorithm is not ed25519"};
    const auto* signatures = get_object(signed_object, "signatures");
    const auto* of_signer = signatures ? get_object(*signatures, signer) : nullptr;
    const auto text = of_signer ? get_string(*of_signer, key_id) : std::nullopt;
    if (!text) {
        return core::ParseError{fmt::format("no signature of {} with key {}", signer, key_id)};
    }
    const auto signature = base64_decode(*text);
    if (!signature) return core::ParseError{"signature is not base64"};
    if (!verify_signature(message, *signature, public_key)) {
        return core::ParseError{fmt::format("signature of {} with key {} is wrong", signer, key_id)};
    }
    return {};
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
    // Fetched once: each implicit fetch would take a lock and a search through the providers.
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{
        EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                                       &EVP_MD_CTX_free};
    Sha256 out;
    unsigned int size = 0;
    if (!algorithm || !context || EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), out.data(), &size) != 1 || size != out.size()) {
        throw std::runtime_error{"SHA-256 is not available"};
    }
    return out;
}

SigningKey::SigningKey(std::string version, std::string_view seed) : version_{std::move(version)} {
    std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_key;
    static_assert(crypto_sign_SECRETKEYBYTES == std::tuple_size_v<decltype(secret_)>);
    crypto_sign_seed_keypair(public_key.data(), secret_.data(), bytes_of(seed));
}

core::Result<SigningKey> SigningKey::parse(std::string_view text) {
    text = trim(text);
    std::string_view line = trim(text.substr(0, text.find('\n')));
    const auto algorithm = next_word(line);
    const auto version = next_word(line);
    const auto seed_text = next_word(line);
    if (algorithm != "ed25519")
        return core::ParseError{"signing key is not of the form \"ed25519 <version> <seed>\""};
    const bool version_is_valid = !version.empty() && std::ranges::all_of(version, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!version_is_valid) return core::ParseError{"signing key has an invalid version"};
    const auto seed = base64_decode(seed_text);
    if (!seed || seed->size() != crypto_sign_SEEDBYTES)
        return core::ParseError{"signing key has no seed of 32 bytes"};
    return SigningKey{std::string{version}, *seed};
}

SigningKey SigningKey::generate(std::string version) {
    if (sodium_init() < 0) throw std::runtime_error{"libsodium is not available"};
    std::string seed(crypto_sign_SEEDBYTES, '\0');
    randombytes_buf(seed.data(), seed.size());
    return SigningKey{std::move(version), seed};
}

std::string SigningKey::public_key_base64() const {
    const auto* text = reinterpret_cast<const char*>(secret_.data());
    return base64_encode({text + crypto_sign_SEEDBYTES, crypto_sign_PUBLICKEYBYTES});
}

std::string SigningKey::sign(std::string_view message) const {
    std::array<char, crypto_sign_BYTES> signature;
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, bytes_of(message),
                         message.size(), secret_.data());
    return base64_encode({signature.data(), signature.size()});
}

std::string SigningKey::to_text() const {
    const auto* text = reinterpret_cast<const char*>(secret_.data());
    return fmt::format("ed25519 {} {}\n", version_, base64_encode({text, crypto_sign_SEEDBYTES}));
}

bool verify_signature(std::string_view message, std::string_view signature, std::string_view public_key) {
    if (signature.size() != crypto_sign_BYTES || public_key.size() != crypto_sign_PUBLICKEYBYTES)
        return false;
    return crypto_sign_verify_detached(bytes_of(signature), bytes_of(message), message.size(),
                                       bytes_of(public_key)) == 0;
}

void sign_json(json::object& object, std::string_view signer, const SigningKey& key) {
    put_signature(object, signer, key, key.sign(canonical_json_without(object, kNotSigned)));
}

core::Result<void> verify_json(const json::object& object, std::string_view signer, std::string_view key_id,
                               std::string_view public_key) {
    return check_signature(object, canonical_json_without(object, kNotSigned), signer, key_id, public_key);
}

Sha256 content_hash(const json::object& event) {
    return sha256(canonical_json_without(event, kNotHashed));
}

Sha256 reference_hash(const json::object& event, const RoomVersion& version) {
    return sha256(canonical_json_without(prune(event, version), kNotReferenced));
}

bool content_hash_matches(const json::object& event) {
    const auto* hashes = get_object(event, "hashes");
    const auto text = hashes ? get_string(*hashes, "sha256") : std::nullopt;
    const auto claimed = text ? base64_decode(*text) : core::Result<std::string>{core::ParseError{"no hash"}};
    return claimed && *claimed == as_bytes(content_hash(event));
}

core::Result<EventId> compute_event_id(const json::object& event, const RoomVersion& version) {
    if (!version.event_ids_are_hashes()) {
        const auto id = get_string(event, "event_id");
        if (!id) return core::ParseError{"event has no event_id"};
        return EventId::parse(*id);
    }
    const auto hash = reference_hash(event, version);
    const auto bytes = as_bytes(hash);
    const bool url_safe = version.event_format == EventFormat::kV4;
    return EventId::trusted("$" + (url_safe ? base64_url_encode(bytes) : base64_encode(bytes)));
}

void sign_event(json::object& event, const RoomVersion& version, std::string_view signer,
                const SigningKey& key) {
    put_signature(event, signer, key,
                  key.sign(canonical_json_without(prune(event, version), kNotReferenced)));
}

core::Result<void> verify_event(const json::object& event, const RoomVersion& version,
                                std::string_view signer, std::string_view key_id,
                                std::string_view public_key) {
    const auto message = canonical_json_without(prune(event, version), kNotReferenced);
    return check_signature(event, message, signer, key_id, public_key);
}

}  // namespace weft::proto
