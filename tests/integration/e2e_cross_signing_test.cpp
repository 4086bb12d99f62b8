// Cross-signing keys, who may replace them, and which signatures are shown to whom.
#include "e2e_fixture.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr std::string_view kUnsigned[] = {"signatures", "unsigned"};

/// An ed25519 key that signs for a user.
class Signer {
public:
    explicit Signer(std::string user) : user_id{"@" + user + ":test"}, public_key{key_.public_key_base64()} {}

    void sign(json::object& object, const std::string& name = {}) const {
        const auto signature = key_.sign(proto::canonical_json_without(object, kUnsigned));
        proto::add_signature(object, user_id, "ed25519:" + (name.empty() ? public_key : name), signature);
    }
    /// The key as a document for this usage.
    json::object document(const std::string& usage) const {
        return {{"user_id", user_id},
                {"usage", json::array{json::string(usage)}},
                {"keys", {{"ed25519:" + public_key, public_key}}}};
    }

private:
    proto::SigningKey key_{proto::SigningKey::generate("test")};

public:
    std::string user_id;
    std::string public_key;
};

/// A user's three keys.
struct Identity {
    explicit Identity(const std::string& user) : master{user}, self_signing{user}, user_signing{user} {}

    json::object upload() const {
        auto self = self_signing.document("self_signing");
        auto other = user_signing.document("user_signing");
        master.sign(self);
        master.sign(other);
        return {{"master_key", master.document("master")},
                {"self_signing_key", self},
                {"user_signing_key", other}};
    }
    Signer master, self_signing, user_signing;
};

core::Config open_config() {
    auto config = HomeserverFixture::roomy_config();
    config.enable_registration = true;
    config.enable_registration_without_verification = true;
    config.rc_registration = {1'000, 1'000};
    return config;
}

constexpr auto kUpload = "/keys/device_signing/upload";

/// Alice and Bob with a phone each.
struct Signing : E2eFixture {
    Signing() : E2eFixture{open_config()} {
        for (const auto* user : {"alice", "bob"}) {
            const auto body = fmt::format(R"({{"username": "{}", "password": "secret", "device_id": "PHONE",
                                              "auth": {{"type": "m.login.dummy"}}}})",
                                          user);
            REQUIRE(post("", "/register", body).status == 200);
        }
    }
    /// Publishes the identity of a device and gives the key it signs with.
    Signer publish_signer(const std::string& user, const std::string& device, json::object& keys) {
        const Signer signer{user};
        keys = device_keys(user, device, signer.public_key);
        REQUIRE(upload(user + "/" + device, {{"device_keys", keys}}).status == 200);
        return signer;
    }
    Answer upload_keys(const std::string& user, const json::object& body) {
        return post(user + "/PHONE", kUpload, proto::to_json(body));
    }
    Answer upload_signatures(const std::string& user, const json::object& body) {
        return post(user + "/PHONE", "/keys/signatures/upload", proto::to_json(body));
    }
    static json::object proof(const std::string& user) {
        return {{"type", "m.login.password"},
                {"password", "secret"},
                {"identifier", {{"type", "m.id.user"}, {"user", user}}}};
    }
    std::string signatures_on(const std::string& viewer, const std::string& section,
                              const std::string& user) {
        const auto answer = query(viewer + "/PHONE", fmt::format(R"({{"@{}:test": []}})", user));
        return json_at(answer, {section, "@" + user + ":test", "signatures"});
    }

    Identity alice{"alice"};
    Identity bob{"bob"};
};

}  // namespace

TEST_CASE_METHOD(Signing, "the first keys need no password, others do", "[e2e]") {
    CHECK(upload_keys("alice", alice.upload()).status == 200);
    CHECK(upload_keys("alice", alice.upload()).status == 200);
    CHECK(sql("SELECT count(*) FROM e2e_cross_signing_keys").front().front() == "3");

    auto other = Identity{"alice"}.upload();
    const auto asked = upload_keys("alice", other);
    REQUIRE(asked.status == 401);
    CHECK(json_at(asked.body, {"flows"}) == R"([{"stages":["m.login.password"]}])");
    other["auth"] = proof("bob");
    CHECK(upload_keys("alice", other).status == 403);
    other["auth"] = proof("alice");
    CHECK(upload_keys("alice", other).status == 200);

    const auto shown = query("bob/PHONE", R"({"@alice:test": []})");
    CHECK(json_at(shown, {"master_keys", "@alice:test", "keys"}) == json_at(other, {"master_key", "keys"}));
}

TEST_CASE_METHOD(Signing, "keys added to a master key that is there need the password as well", "[e2e]") {
    REQUIRE(upload_keys("alice", {{"master_key", alice.master.document("master")}}).status == 200);
    auto rest = alice.upload();

    CHECK(upload_keys("alice", rest).status == 401);
    rest.erase("master_key");
    CHECK(upload_keys("alice", rest).status == 401);
    rest["auth"] = proof("alice");
    CHECK(upload_keys("alice", rest).status == 200);
}

TEST_CASE_METHOD(Signing, "a user-signing key is shown to its owner only", "[e2e]") {
    REQUIRE(upload_keys("alice", alice.upload()).status == 200);

    const auto own = query("alice/PHONE", R"({"@alice:test": []})");
    const auto other = query("bob/PHONE", R"({"@alice:test": []})");

    CHECK(part(own, {"user_signing_keys", "@alice:test"}));
    CHECK(json_at(other, {"user_signing_keys"}) == "{}");
    for (const auto* section : {"master_keys", "self_signing_keys"}) {
        CHECK(part(own, {section, "@alice:test"}));
        CHECK(part(other, {section, "@alice:test"}));
    }
}

TEST_CASE_METHOD(Signing, "wrong keys are refused", "[e2e]") {
    auto no_master = alice.upload();
    no_master.erase("master_key");
    CHECK(upload_keys("alice", no_master).errcode() == "M_MISSING_PARAM");
    CHECK(upload_keys("bob", alice.upload()).errcode() == "M_INVALID_PARAM");

    auto badly_signed = alice.upload();
    badly_signed["self_signing_key"] = bob.upload()["self_signing_key"];
    badly_signed["self_signing_key"].as_object()["user_id"] = "@alice:test";
    CHECK(upload_keys("alice", badly_signed).errcode() == "M_INVALID_SIGNATURE");

    auto wrong_usage = alice.upload();
    wrong_usage["master_key"] = alice.master.document("self_signing");
    CHECK(upload_keys("alice", wrong_usage).errcode() == "M_INVALID_PARAM");
    CHECK(upload_keys("alice", {{"master_key", "text"}}).errcode() == "M_BAD_JSON");

    add_device("alice", alice.master.public_key);
    const auto taken = upload_keys("alice", alice.upload());
    CHECK(taken.status == 403);
    CHECK(taken.errcode() == "M_FORBIDDEN");
    CHECK(sql("SELECT count(*) FROM e2e_cross_signing_keys").front().front() == "0");
}

TEST_CASE_METHOD(Signing, "a device cannot take the name of a key, and is not listed for one", "[e2e]") {
    REQUIRE(upload_keys("alice", alice.upload()).status == 200);

    const auto login = fmt::format(R"({{"type": "m.login.password", "password": "secret", "device_id": "{}",
                                       "identifier": {{"type": "m.id.user", "user": "alice"}}}})",
                                   alice.master.public_key);

    CHECK(post("", "/login", login).status == 403);
    CHECK(part(get("alice/PHONE", "/devices").body, {"devices"})->as_array().size() == 1);
}

TEST_CASE_METHOD(Signing, "a device signed by its owner is shown so to everybody", "[e2e]") {
    const auto room_id = create_room("alice/PHONE");
    join("bob/PHONE", room_id);
    json::object phone;
    const auto device = publish_signer("alice", "PHONE", phone);
    REQUIRE(upload_keys("alice", alice.upload()).status == 200);
    SyncClient watcher{*this, "bob/PHONE"};
    watcher.sync();

    alice.self_signing.sign(phone);
    auto master = alice.master.document("master");
    device.sign(master, "PHONE");
    const auto done =
        upload_signatures("alice", {{"@alice:test", {{"PHONE", phone}, {alice.master.public_key, master}}}});

    CHECK(done.status == 200);
    CHECK(json_at(done.body, {"failures"}) == "{}");
    const auto seen = query("bob/PHONE", R"({"@alice:test": []})");
    const auto* const signatures =
        part(seen, {"device_keys", "@alice:test", "PHONE", "signatures", "@alice:test"});
    REQUIRE(signatures);
    CHECK(signatures->as_object().contains("ed25519:" + alice.self_signing.public_key));
    CHECK(signatures->as_object().contains("ed25519:PHONE"));
    CHECK(part(seen, {"master_keys", "@alice:test", "signatures", "@alice:test", "ed25519:PHONE"}));
    CHECK(json_at(watcher.sync(), {"device_lists", "changed"}) == R"(["@alice:test"])");

    // Signatures of other keys would be wrong.
    REQUIRE(upload("alice/PHONE", {{"device_keys", device_keys("alice", "PHONE", "other")}}).status == 200);
    CHECK(sql("SELECT count(*) FROM e2e_cross_signing_signatures").front().front() == "0");
}

TEST_CASE_METHOD(Signing, "whom a user has verified is nobody else's business", "[e2e]") {
    REQUIRE(upload_keys("alice", alice.upload()).status == 200);
    REQUIRE(upload_keys("bob", bob.upload()).status == 200);
    SyncClient signer{*this, "alice/PHONE"};
    SyncClient target{*this, "bob/PHONE"};
    signer.sync();
    target.sync();

    auto master = bob.master.document("master");
    alice.user_signing.sign(master);
    const auto done = upload_signatures("alice", {{"@bob:test", {{bob.master.public_key, master}}}});

    CHECK(json_at(done.body, {"failures"}) == "{}");
    CHECK(signatures_on("alice", "master_keys", "bob").find(alice.user_signing.public_key) !=
          std::string::npos);
    CHECK(signatures_on("bob", "master_keys", "bob").empty());
    CHECK(json_at(signer.sync(), {"device_lists", "changed"}) == R"(["@bob:test"])");
    CHECK_FALSE(target.sync().contains("device_lists"));
}

TEST_CASE_METHOD(Signing, "signatures that prove nothing are refused one by one", "[e2e]") {
    json::object phone;
    publish_signer("alice", "PHONE", phone);
    REQUIRE(upload_keys("alice", alice.upload()).status == 200);
    auto stranger = phone;
    bob.self_signing.sign(stranger);
    auto changed = phone;
    changed["algorithms"] = json::array{"other"};
    alice.self_signing.sign(changed);
    auto master = alice.master.document("master");
    bob.master.sign(master);
    auto of_bob = bob.master.document("master");
    alice.user_signing.sign(of_bob);

    const auto failures = [&](const json::object& body, const std::string& user, const std::string& key) {
        const auto answer = upload_signatures("alice", body);
        CHECK(answer.status == 200);
        return json_at(answer.body, {"failures", user, key, "errcode"});
    };
    CHECK(failures({{"@alice:test", {{"PHONE", stranger}}}}, "@alice:test", "PHONE") ==
          R"("M_INVALID_SIGNATURE")");
    CHECK(failures({{"@alice:test", {{"PHONE", changed}}}}, "@alice:test", "PHONE") ==
          R"("M_INVALID_PARAM")");
    CHECK(failures({{"@alice:test", {{"NONE", phone}}}}, "@alice:test", "NONE") == R"("M_NOT_FOUND")");
    CHECK(failures({{"@alice:test", {{alice.master.public_key, master}}}}, "@alice:test",
                   alice.master.public_key) == R"("M_INVALID_SIGNATURE")");
    CHECK(failures({{"@bob:test", {{bob.master.public_key, of_bob}}}}, "@bob:test", bob.master.public_key) ==
          R"("M_NOT_FOUND")");
    CHECK(failures({{"@alice:test", {{"PHONE", 1}}}}, "@alice:test", "PHONE") == R"("M_BAD_JSON")");
    CHECK(upload_signatures("alice", {{"@alice:test", "text"}}).errcode() == "M_BAD_JSON");
    CHECK(sql("SELECT count(*) FROM e2e_cross_signing_signatures").front().front() == "0");
}
