#include "weft/handlers/accounts/interactive_auth.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kSessionIdLetters = 24;
constexpr std::int64_t kCleaningIntervalMs = 60'000;
constexpr std::string_view kUserKey = "user_id";
constexpr std::string_view kBodyKey = "body_sha256";
constexpr std::string_view kOutcomeKey = "outcome";

bool is_session_id(std::string_view text) {
    return text.size() == kSessionIdLetters &&
           std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

/// Tells two requests for different things apart; the secrets in a body are not kept.
std::string body_digest(const boost::json::object& body) {
    static constexpr std::string_view kWithout[] = {"auth"};
    const auto digest = proto::sha256(proto::canonical_json_without(body, kWithout));
    return proto::base64_encode(proto::as_bytes(digest));
}

core::MatrixError other_operation() {
    return core::MatrixError::forbidden(
        "Requested operation has changed during the UI authentication session.");
}

/// Whether the client may try again: then the refusal travels inside the 401.
bool is_failed_proof(const core::MatrixError& error) {
    return error.errcode == "M_FORBIDDEN" || error.errcode == "M_MISSING_PARAM" ||
           error.errcode == "M_UNKNOWN" || error.errcode == "M_THREEPID_AUTH_FAILED";
}

boost::json::object parsed(const std::string& text) {
    auto object = proto::parse_json_object(text);
    return object ? std::move(*object) : boost::json::object{};
}

}  // namespace

ProtectedOperation operation_of(const http::Request& request, boost::json::object body) {
    ProtectedOperation operation{std::string{to_string(request.method)}, request.path, std::move(body),
                                 std::nullopt};
    if (request.requester) operation.user_id = request.requester->user_id;
    return operation;
}

std::optional<ProvenAddress> AuthProof::email() const {
    const auto found = stages.find(std::string{auth_stage::kEmail});
    if (found == stages.end()) return std::nullopt;
    const auto document = parsed(found->second);
    const auto text = [&](std::string_view key) {
        return std::string{proto::get_string(document, key).value_or("")};
    };
    return ProvenAddress{text("sid"), text("medium"), text("address"),
                         proto::get_int(document, "validated_at").value_or(0)};
}

/// One request on its way through the flows.
struct InteractiveAuth::Attempt {
    ProtectedOperation operation;
    AuthFlows flows;
    boost::json::object auth;
    std::string session_id;
    std::map<std::string, std::string> stages;
    std::optional<std::string> outcome;
    std::string proven_body;  // digest of the body that the stages were completed with

    std::vector<std::string> completed() const {
        std::vector<std::string> out;
        for (const auto& [stage, result] : stages) out.push_back(stage);
        return out;
    }
    core::MatrixError unfinished(const core::MatrixError* cause = nullptr) const {
        return authentication_required(flows, completed(), session_id, cause);
    }
};

InteractiveAuth::InteractiveAuth(storage::UiAuthSessionStore& sessions, PasswordAuth& passwords,
                                 ThirdPartyIds& third_party_ids,
                                 storage::RegistrationTokenStore& registration_tokens,
                                 const core::Clock& clock)
    : sessions_{sessions},
      passwords_{passwords},
      third_party_ids_{third_party_ids},
      registration_tokens_{registration_tokens},
      clock_{clock} {}

Task<AuthProof> InteractiveAuth::require(ProtectedOperation operation, AuthFlows flows) {
    Attempt attempt;
    attempt.operation = std::move(operation);
    attempt.flows = std::move(flows);
    attempt.session_id = core::random_letters(kSessionIdLetters);
    const auto* auth = proto::find(attempt.operation.body, "auth");
    if (!auth || auth->is_null()) throw attempt.unfinished();
    if (!auth->is_object()) throw core::MatrixError::bad_json("auth must be an object");
    attempt.auth = auth->get_object();

    co_await remove_expired();
    co_await load(attempt);
    const auto stage = std::string{proto::get_string(attempt.auth, "type").value_or("")};
    if (!stage.empty() && !attempt.stages.contains(stage)) {
        co_await prove(attempt, stage);
    } else if (attempt.proven_body != body_digest(attempt.operation.body) && !attempt.stages.empty()) {
        // Nothing new is proven, so it must be what was proven: a password given for one set of devices does
        // not delete another.
        throw other_operation();
    }
    if (!completed_flow(attempt.flows, attempt.completed())) throw attempt.unfinished();
    co_return AuthProof{std::move(attempt.session_id), std::move(attempt.stages), std::move(attempt.outcome)};
}

Task<void> InteractiveAuth::load(Attempt& attempt) {
    const auto session_id = proto::get_string(attempt.auth, "session");
    if (!session_id || !is_session_id(*session_id)) co_return;
    attempt.session_id = *session_id;
    auto session = co_await sessions_.get(attempt.session_id);
    if (!session) co_return;
    const auto client_data = parsed(session->client_data);
    const auto user_id = proto::get_string(client_data, kUserKey).value_or("");
    if (session->method != attempt.operation.method || session->uri != attempt.operation.path ||
        user_id != attempt.operation.user_id.value_or("")) {
        throw other_operation();
    }
    attempt.proven_body = proto::get_string(client_data, kBodyKey).value_or("");
    attempt.stages = std::move(session->stages);
    const auto server_data = parsed(session->server_data);
    if (const auto outcome = proto::get_string(server_data, kOutcomeKey)) attempt.outcome = *outcome;
}

Task<void> InteractiveAuth::prove(Attempt& attempt, std::string stage) {
    if (!is_offered(attempt.flows, stage)) {
        throw core::MatrixError{400, "M_UNRECOGNIZED", "Unknown authentication type for this operation"};
    }
    if (!may_come_next(attempt.flows, attempt.completed(), stage)) throw attempt.unfinished();
    std::optional<core::MatrixError> failure;
    std::string result;
    try {
        result = co_await check_stage(stage, attempt.auth);
    } catch (const core::MatrixError& error) {
        failure = error;
    }
    if (failure && is_failed_proof(*failure)) throw attempt.unfinished(&*failure);
    if (failure) throw *failure;
    // Somebody has proven who they are, but not that this is theirs: trying again is of no use.
    if (stage == auth_stage::kPassword && attempt.operation.user_id && result != *attempt.operation.user_id) {
        throw core::MatrixError::forbidden("This is not your account");
    }

    storage::UiAuthSession session;
    session.session_id = attempt.session_id;
    session.method = attempt.operation.method;
    session.uri = attempt.operation.path;
    session.client_data = proto::to_json(boost::json::object{
        {kUserKey, attempt.operation.user_id.value_or("")}, {kBodyKey, body_digest(attempt.operation.body)}});
    session.server_data = "{}";
    co_await sessions_.complete_stage(std::move(session), stage, result);
    attempt.stages.emplace(std::move(stage), std::move(result));
}

Task<std::string> InteractiveAuth::check_stage(std::string stage, boost::json::object auth) {
    if (stage == auth_stage::kDummy) co_return std::string{};
    if (stage == auth_stage::kPassword) co_return co_await check_password(std::move(auth));
    if (stage == auth_stage::kRegistrationToken) {
        const auto token = proto::get_string(auth, "token");
        if (!token) throw core::MatrixError::missing_param("Missing token");
        if (!co_await registration_tokens_.is_valid(std::string{*token})) {
            throw core::MatrixError::forbidden("Invalid registration token");
        }
        co_return std::string{*token};
    }
    if (stage == auth_stage::kEmail) co_return co_await check_email(std::move(auth));
    throw std::logic_error{"an authentication flow has a stage that nobody checks: " + stage};
}

Task<std::string> InteractiveAuth::check_password(boost::json::object auth) {
    const auto password = proto::get_string(auth, "password");
    if (!password) throw core::MatrixError::missing_param("Missing password");
    co_return co_await passwords_.check(co_await third_party_ids_.identified_user(auth), std::string{*password});
}

Task<std::string> InteractiveAuth::check_email(boost::json::object auth) {
    const auto* creds = proto::get_object(auth, "threepid_creds");
    if (!creds) creds = proto::get_object(auth, "threepidCreds");  // of old clients
    if (!creds) throw core::MatrixError::missing_param("Missing threepid_creds");
    const auto sid = proto::get_string(*creds, "sid");
    const auto client_secret = proto::get_string(*creds, "client_secret");
    if (!sid || !client_secret) throw core::MatrixError::missing_param("Missing sid or client_secret");
    if (sid->find('\0') != sid->npos) throw core::MatrixError::invalid_param("Invalid sid");
    const auto proven = co_await third_party_ids_.proven(std::string{*sid}, std::string{*client_secret});
    co_return proto::to_json(boost::json::object{{"sid", proven.session_id},
                                                 {"medium", proven.medium},
                                                 {"address", proven.address},
                                                 {"validated_at", proven.validated_ms}});
}

Task<std::optional<std::string>> InteractiveAuth::outcome_of(ProtectedOperation operation) {
    const auto* auth = proto::get_object(operation.body, "auth");
    if (!auth) co_return std::nullopt;
    Attempt attempt;
    attempt.auth = *auth;
    attempt.operation = std::move(operation);
    co_await load(attempt);
    if (attempt.proven_body != body_digest(attempt.operation.body)) co_return std::nullopt;
    co_return std::move(attempt.outcome);
}

Task<void> InteractiveAuth::set_outcome(std::string session_id, std::string outcome) {
    auto data = proto::to_json(boost::json::object{{kOutcomeKey, outcome}});
    co_await sessions_.set_server_data(std::move(session_id), std::move(data));
}

Task<void> InteractiveAuth::remove_expired() {
    const auto now_ms = clock_.now_ms();
    if (now_ms < next_cleaning_ms_) co_return;
    next_cleaning_ms_ = now_ms + kCleaningIntervalMs;
    co_await sessions_.remove_begun_before(now_ms - kSessionLifetimeMs);
}

}  // namespace weft::handlers
