#include "weft/handlers/accounts/third_party_ids.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"
#include "weft/handlers/accounts/usernames.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

using core::MatrixError;

constexpr std::size_t kSessionIdLetters = 16;
constexpr std::size_t kTokenLetters = 32;
constexpr std::size_t kSecretCharactersMax = 255;
constexpr std::size_t kLinkBytesMax = 2048;

MatrixError auth_failed(const char* why) {
    return {400, "M_THREEPID_AUTH_FAILED", why};
}
MatrixError in_use() {
    return {400, "M_THREEPID_IN_USE", "The address belongs to an account already"};
}

/// Opaque to us, with a grammar all the same (client-server API, "client_secret").
void check_client_secret(std::string_view secret) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{".=_-"}.find(c) != std::string_view::npos;
    };
    if (secret.empty() || secret.size() > kSecretCharactersMax || !std::ranges::all_of(secret, belongs)) {
        throw MatrixError::invalid_param("client_secret must be 1 to 255 of [0-9a-zA-Z.=_-]");
    }
}

/// People are sent there after they have followed our link.
void check_next_link(std::string_view link) {
    const bool is_web = link.starts_with("https://") || link.starts_with("http://");
    const bool is_text = std::ranges::all_of(link, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!is_web || !is_text || link.size() > kLinkBytesMax) {
        throw MatrixError::invalid_param("next_link must be an http or https URL");
    }
}

std::string without_final_slash(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

struct Words {
    std::string_view subject;
    std::string_view text;
};

Words words_for(EmailPurpose purpose) {
    switch (purpose) {
        case EmailPurpose::kRegister:
            return {"[{0}] Confirm your e-mail address",
                    "Somebody, hopefully you, registers at {0} ({1}) with this address.\n\n"
                    "To go on, follow this link:\n\n{2}\n\n"
                    "If it was not you, you need not do anything.\n"};
        case EmailPurpose::kAdd:
            return {"[{0}] Confirm your e-mail address",
                    "Somebody, hopefully you, wants to add this address to an account at {0} ({1}).\n\n"
                    "To confirm that it is yours, follow this link:\n\n{2}\n\n"
                    "If it was not you, you need not do anything.\n"};
        case EmailPurpose::kResetPassword:
            break;
    }
    return {"[{0}] Reset your password",
            "Somebody, hopefully you, wants to set a new password for your account at {0} ({1}).\n\n"
            "To allow it, follow this link:\n\n{2}\n\n"
            "If it was not you, do not follow it: your password stays as it is.\n"};
}

}  // namespace

std::string canonical_email(std::string_view address) {
    std::string out{address};
    std::ranges::transform(
        out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

ThirdPartyIds::ThirdPartyIds(storage::ThreePidStore& store, core::Mailer& mailer, const core::Config& config,
                             const core::Clock& clock)
    : store_{store},
      mailer_{mailer},
      config_{config},
      clock_{clock},
      by_address_{clock, config.rc_registration} {}

Task<std::string> ThirdPartyIds::request_token(EmailTokenRequest request) {
    check_client_secret(request.client_secret);
    if (request.next_link) check_next_link(*request.next_link);
    if (!core::is_email_address(request.email)) throw MatrixError::invalid_param("Invalid e-mail address");
    if (request.send_attempt < 0) throw MatrixError::invalid_param("send_attempt must not be negative");
    if (!email_enabled()) {
        throw MatrixError{403, "M_THREEPID_DENIED", "This server sends no e-mail"};
    }
    request.email = canonical_email(request.email);
    by_address_.acquire(request.email);
    co_await check_purpose(request);

    storage::ThreePidSession session;
    auto known = co_await store_.find_session(std::string{kEmail}, request.email, request.client_secret);
    if (known && known->last_send_attempt >= request.send_attempt) co_return std::move(known->session_id);
    session.session_id = known ? known->session_id : core::random_letters(kSessionIdLetters);
    session.medium = kEmail;
    session.address = request.email;
    session.client_secret = request.client_secret;
    session.last_send_attempt = request.send_attempt;
    storage::ThreePidToken token;
    token.token = core::random_letters(kTokenLetters);
    token.next_link = request.next_link;
    token.expires_ms =
        clock_.now_ms() + static_cast<std::int64_t>(config_.email.validation_token_lifetime_ms);

    auto session_id = session.session_id;
    co_await send_link(std::move(request), session_id, token.token);
    // After the mail: if it cannot be sent, the client may make the same attempt again.
    co_await store_.start_session(std::move(session), std::move(token));
    co_return session_id;
}

Task<void> ThirdPartyIds::check_purpose(const EmailTokenRequest& request) {
    const auto owner = co_await store_.owner_of(std::string{kEmail}, request.email);
    if (request.purpose == EmailPurpose::kResetPassword) {
        if (!owner) throw MatrixError{400, "M_THREEPID_NOT_FOUND", "The address belongs to no account"};
    } else if (owner) {
        throw in_use();
    }
}

Task<void> ThirdPartyIds::send_link(EmailTokenRequest request, std::string session_id, std::string token) {
    const auto link =
        fmt::format("{}{}?token={}&client_secret={}&sid={}", without_final_slash(config_.public_baseurl),
                    kLinkPath, token, http::percent_encode(request.client_secret), session_id);
    const auto words = words_for(request.purpose);
    core::Mail mail;
    mail.to = request.email;
    mail.subject = fmt::format(fmt::runtime(words.subject), config_.email.app_name);
    mail.text = fmt::format(fmt::runtime(words.text), config_.email.app_name, config_.server_name, link);
    std::string why;
    try {
        co_await mailer_.send(std::move(mail));
    } catch (const core::SmtpError& error) {
        why = error.what();
    }
    if (why.empty()) co_return;
    core::log_error("accounts", "cannot send e-mail: {}", why);
    throw MatrixError{500, "M_UNKNOWN", "The e-mail could not be sent"};
}

Task<std::optional<std::string>> ThirdPartyIds::validate(std::string session_id, std::string client_secret,
                                                         std::string token) {
    const auto session = co_await store_.get_session(session_id);
    if (!session || session->client_secret != client_secret) throw auth_failed("Unknown session");
    auto found = co_await store_.find_token(session_id, std::move(token));
    if (!found) throw auth_failed("The link is wrong or too old");
    co_await store_.set_validated(std::move(session_id));
    co_return std::move(found->next_link);
}

Task<ProvenAddress> ThirdPartyIds::proven(std::string session_id, std::string client_secret) {
    auto session = co_await store_.get_session(std::move(session_id));
    if (!session || session->client_secret != client_secret) throw auth_failed("No such session");
    if (!session->validated_ms) throw auth_failed("The link in the e-mail has not been followed yet");
    const auto lifetime_ms = static_cast<std::int64_t>(config_.email.validation_token_lifetime_ms);
    if (*session->validated_ms + lifetime_ms < clock_.now_ms()) throw auth_failed("The session has expired");
    co_return ProvenAddress{std::move(session->session_id), std::move(session->medium),
                            std::move(session->address), *session->validated_ms};
}

Task<std::vector<storage::ThreePid>> ThirdPartyIds::list(std::string user_id) {
    co_return co_await store_.of_user(std::move(user_id));
}

Task<void> ThirdPartyIds::add(std::string user_id, ProvenAddress address) {
    if (!config_.enable_3pid_changes) throw MatrixError::forbidden("Changes of addresses are switched off");
    co_await add_to_new_account(std::move(user_id), std::move(address));
}

Task<void> ThirdPartyIds::add_to_new_account(std::string user_id, ProvenAddress address) {
    if (!co_await store_.add(std::move(user_id), std::move(address.medium), std::move(address.address),
                             address.validated_ms)) {
        throw in_use();
    }
    co_await store_.remove_session(std::move(address.session_id));
}

Task<void> ThirdPartyIds::remove(std::string user_id, std::string medium, std::string address) {
    if (!config_.enable_3pid_changes) throw MatrixError::forbidden("Changes of addresses are switched off");
    if (medium == kEmail) address = canonical_email(address);
    co_await store_.remove(std::move(user_id), std::move(medium), std::move(address));
}

Task<std::optional<std::string>> ThirdPartyIds::owner_of(std::string medium, std::string address) {
    if (medium == kEmail) address = canonical_email(address);
    co_return co_await store_.owner_of(std::move(medium), std::move(address));
}

Task<void> ThirdPartyIds::finish(std::string session_id) {
    co_await store_.remove_session(std::move(session_id));
}

Task<std::string> ThirdPartyIds::identified_user(boost::json::object submission) {
    auto third_party = third_party_identifier(submission);
    if (!third_party) co_return handlers::identified_user(submission, config_.server_name);
    auto owner = co_await owner_of(std::move(third_party->medium), std::move(third_party->address));
    // The same as for a wrong password: who has an account with this address is nobody's business.
    if (!owner) throw MatrixError::forbidden("Invalid username or password");
    co_return std::move(*owner);
}

}  // namespace weft::handlers
