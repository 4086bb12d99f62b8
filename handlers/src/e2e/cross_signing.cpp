#include "weft/handlers/e2e/cross_signing.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/e2e_keys.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;
using proto::CrossSigningPublicKey;

namespace {

constexpr std::string_view kMaster = "master";
constexpr std::string_view kSelfSigning = "self_signing";
constexpr std::string_view kUserSigning = "user_signing";

MatrixError invalid_signature(const std::string& why) {
    return {400, "M_INVALID_SIGNATURE", why};
}

CrossSigningPublicKey parse_key(const json::object& key, std::string_view user_id, std::string_view usage) {
    auto parsed = proto::parse_cross_signing_key(key, user_id, usage);
    if (!parsed) throw MatrixError::invalid_param(fmt::format("{} key: {}", usage, parsed.error().message));
    return std::move(*parsed);
}

/// One key of an upload.
struct Uploaded {
    std::string_view type;
    const json::object* document;
    CrossSigningPublicKey key;
};

std::vector<Uploaded> parse_upload(const CrossSigning::Keys& keys, const std::string& user_id) {
    std::vector<Uploaded> out;
    const auto add = [&](std::string_view type, const std::optional<json::object>& document) {
        if (document) out.push_back({type, &*document, parse_key(*document, user_id, type)});
    };
    add(kMaster, keys.master);
    add(kSelfSigning, keys.self_signing);
    add(kUserSigning, keys.user_signing);
    return out;
}

/// A signature that is to be published, or why it is not.
json::object error_document(const MatrixError& error) {
    return {{"errcode", error.errcode}, {"error", error.what()}};
}

}  // namespace

/// An upload of signatures on its way.
struct CrossSigning::Signing {
    std::string signer;
    StoredKeys keys;  // of the signer
    std::vector<storage::KeySignature> accepted;
    std::vector<std::string> own_targets;  // devices and keys of the signer
    std::vector<std::string> other_users;
    json::object failures;

    void refuse(std::string_view user_id, std::string_view target, const MatrixError& error) {
        auto& of_user = failures[user_id];
        if (!of_user.is_object()) of_user = json::object();
        of_user.get_object()[target] = error_document(error);
    }

    /// The signer's own key of this type. Throws M_NOT_FOUND.
    CrossSigningPublicKey key(std::string_view type) const {
        const auto found = keys.find(std::string{type});
        if (found == keys.end()) throw MatrixError::not_found(fmt::format("No {} key", type));
        return parse_key(found->second, signer, type);
    }

    /// Takes the signature of `object` by this key of the signer. Throws M_INVALID_SIGNATURE.
    void take(const json::object& object, const std::string& key_id, std::string_view public_key_bytes,
              std::string_view target_user_id, std::string_view target) {
        const auto verified = proto::verify_json(object, signer, key_id, public_key_bytes);
        if (!verified) throw invalid_signature(verified.error().message);
        const auto text = proto::get_string(*proto::signatures_of(object, signer), key_id);
        accepted.push_back(
            {signer, key_id, std::string{target_user_id}, std::string{target}, std::string{*text}});
    }
};

CrossSigning::CrossSigning(storage::CrossSigningStore& store, storage::E2eKeyStore& device_keys,
                           storage::DeviceStore& devices, storage::UserSignatureStore& user_signatures)
    : store_{store}, device_keys_{device_keys}, devices_{devices}, user_signatures_{user_signatures} {}

Task<CrossSigning::StoredKeys> CrossSigning::keys_of(std::string user_id) {
    StoredKeys out;
    std::vector<std::string> users{std::move(user_id)};
    for (auto& stored : co_await store_.keys(std::move(users))) {
        if (auto document = proto::parse_json_object(stored.json))
            out.emplace(stored.type, std::move(*document));
    }
    co_return out;
}

Task<void> CrossSigning::upload_keys(std::string user_id, Keys keys, Prove prove) {
    const auto turn = co_await uploads_.lock(user_id);
    const auto uploaded = parse_upload(keys, user_id);
    const auto known = co_await keys_of(user_id);
    const auto is_known = [&](const Uploaded& key) {
        const auto found = known.find(std::string{key.type});
        const auto* const public_keys =
            found == known.end() ? nullptr : proto::get_object(found->second, "keys");
        return public_keys && public_keys->contains(key.key.key_id);
    };
    const auto master = known.find(std::string{kMaster});
    if (!keys.master && master == known.end())
        throw MatrixError::missing_param("No master signing key is available");
    // The answer to the first upload may have been lost: the same again is no change.
    if (keys.master && std::ranges::all_of(uploaded, is_known)) co_return;
    if (master != known.end()) co_await prove();

    const auto signer = parse_key(keys.master ? *keys.master : master->second, user_id, kMaster);
    std::vector<storage::NewCrossSigningKey> fresh;
    std::vector<std::string> public_keys;
    for (const auto& key : uploaded) {
        if (key.type != kMaster) {
            const auto verified = proto::verify_json(*key.document, user_id, signer.key_id, signer.bytes);
            if (!verified)
                throw invalid_signature(fmt::format("{} key: {}", key.type, verified.error().message));
        }
        fresh.push_back({std::string{key.type}, key.key.public_key, proto::canonical_json(*key.document)});
        public_keys.push_back(key.key.public_key);
    }
    if (fresh.empty()) co_return;
    if (!co_await store_.set_keys(user_id, std::move(fresh)))
        throw MatrixError::forbidden("The public key of one of the keys is the ID of a device");
    co_await devices_.add_changes(std::move(user_id), std::move(public_keys), {});
}

Task<json::object> CrossSigning::upload_signatures(std::string signer, json::object signed_objects) {
    Signing signing;
    signing.signer = std::move(signer);
    signing.keys = co_await keys_of(signing.signer);
    for (const auto& [user_id, objects] : signed_objects) {
        if (!objects.is_object()) throw MatrixError::bad_json("signatures must be a map of maps");
        if (user_id == signing.signer) {
            co_await take_own(signing, objects.get_object());
        } else {
            co_await take_others(signing, std::string{user_id}, objects.get_object());
        }
    }
    co_await store_.add_signatures(std::move(signing.accepted));
    if (!signing.own_targets.empty())
        co_await devices_.add_changes(signing.signer, std::move(signing.own_targets), {});
    if (!signing.other_users.empty())
        co_await user_signatures_.add(signing.signer, std::move(signing.other_users));
    co_return std::move(signing.failures);
}

/// Devices of the signer, signed by their self-signing key, and their master key, signed by their devices.
Task<void> CrossSigning::take_own(Signing& signing, const json::object& objects) {
    std::map<std::string, json::object> devices;
    std::vector<storage::DeviceKeysWanted> all{{signing.signer, std::nullopt}};
    for (const auto& device : co_await device_keys_.device_keys(std::move(all))) {
        if (auto document = proto::parse_json_object(device.json))
            devices.emplace(device.device_id, std::move(*document));
    }
    const auto sign_device = [&](const std::string& device_id, const json::object& object) {
        const auto device = devices.find(device_id);
        if (device == devices.end()) throw MatrixError::not_found("No such device or key");
        if (!proto::same_signed_content(object, device->second))
            throw MatrixError::invalid_param("This is not what the device has published");
        const auto key = signing.key(kSelfSigning);
        signing.take(object, key.key_id, key.bytes, signing.signer, device_id);
    };
    const auto sign_master = [&](const std::string& public_key, const json::object& object) {
        if (!proto::same_signed_content(object, signing.keys.at(std::string{kMaster})))
            throw MatrixError::invalid_param("This is not the user's master key");
        const auto* const signatures = proto::signatures_of(object, signing.signer);
        if (!signatures || signatures->empty()) throw invalid_signature("There is no signature of the user");
        for (const auto& [key_id, signature] : *signatures) {
            const auto name = proto::parse_key_name(key_id);
            const auto device = name ? devices.find(name->id) : devices.end();
            const auto* const keys =
                device == devices.end() ? nullptr : proto::get_object(device->second, "keys");
            const auto text = keys ? proto::get_string(*keys, key_id) : std::nullopt;
            const auto bytes = proto::base64_decode(text.value_or(""));
            if (!text || !bytes)
                throw invalid_signature("The master key is not signed by a device of the user");
            signing.take(object, std::string{key_id}, *bytes, signing.signer, public_key);
        }
    };
    const auto master = signing.keys.find(std::string{kMaster});
    const auto* const master_keys =
        master == signing.keys.end() ? nullptr : proto::get_object(master->second, "keys");
    for (const auto& [target, object] : objects) {
        const std::string id{target};
        try {
            if (!object.is_object()) throw MatrixError::bad_json("A signed key must be an object");
            if (master_keys && master_keys->contains("ed25519:" + id)) {
                sign_master(id, object.get_object());
            } else {
                sign_device(id, object.get_object());
            }
            signing.own_targets.push_back(id);
        } catch (const MatrixError& error) {
            signing.refuse(signing.signer, id, error);
        }
    }
}

/// Somebody else's master key, signed by the signer's user-signing key. Only the signer will see it.
Task<void> CrossSigning::take_others(Signing& signing, std::string target_user_id,
                                     const json::object& objects) {
    const auto keys = co_await keys_of(target_user_id);
    const auto master = keys.find(std::string{kMaster});
    bool any = false;
    for (const auto& [target, object] : objects) {
        try {
            if (!object.is_object()) throw MatrixError::bad_json("A signed key must be an object");
            if (master == keys.end()) throw MatrixError::not_found("The user has no master key");
            const auto* const public_keys = proto::get_object(master->second, "keys");
            if (!public_keys || !public_keys->contains("ed25519:" + std::string{target}))
                throw MatrixError::not_found("This is not the ID of the user's master key");
            if (!proto::same_signed_content(object.get_object(), master->second))
                throw MatrixError::invalid_param("This is not the user's master key");
            const auto key = signing.key(kUserSigning);
            signing.take(object.get_object(), key.key_id, key.bytes, target_user_id, target);
            any = true;
        } catch (const MatrixError& error) {
            signing.refuse(target_user_id, target, error);
        }
    }
    if (any) signing.other_users.push_back(std::move(target_user_id));
}

}  // namespace weft::handlers
