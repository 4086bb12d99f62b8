#include "weft/handlers/accounts/registration.hpp"

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/accounts/usernames.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

core::MatrixError user_in_use() {
    return {400, "M_USER_IN_USE", "Desired user ID is already taken."};
}

}  // namespace

Registration::Registration(storage::UserStore& users, storage::AccessTokenStore& access_tokens,
                           storage::RegistrationTokenStore& tokens, PasswordAuth& passwords,
                           ThirdPartyIds& third_party_ids, InteractiveAuth& interactive_auth,
                           Sessions& sessions, const core::Config& config, const core::Clock& clock)
    : users_{users},
      access_tokens_{access_tokens},
      tokens_{tokens},
      passwords_{passwords},
      third_party_ids_{third_party_ids},
      interactive_auth_{interactive_auth},
      sessions_{sessions},
      config_{config},
      accounts_by_address_{clock, config.rc_registration},
      questions_by_address_{clock, config.rc_registration} {}

void Registration::check_open() const {
    if (!config_.enable_registration) throw core::MatrixError::forbidden("Registration has been disabled");
}

AuthFlows Registration::flows() const {
    const std::string email{auth_stage::kEmail};
    AuthFlow first;
    if (config_.registration_requires_token) first.emplace_back(auth_stage::kRegistrationToken);
    auto with_email = first;
    with_email.push_back(email);
    if (config_.registration_requires_email) return {std::move(with_email)};
    if (first.empty()) first.emplace_back(auth_stage::kDummy);
    if (!third_party_ids_.email_enabled()) return {std::move(first)};
    return {std::move(first), std::move(with_email)};
}

Task<bool> Registration::is_taken(std::string user_id) {
    const auto same = co_await users_.find_case_insensitive(std::move(user_id));
    co_return !same.empty();
}

/// Names of application services are refused as such, before what else may be wrong with them.
std::string Registration::free_user_id(std::string_view username) const {
    if (appservices_) {
        appservices_->check_user_is_free(service_user_id(username, config_.server_name), nullptr);
    }
    return new_user_id(username, config_.server_name);
}

Task<void> Registration::check_available(std::string username, std::string remote_address) {
    check_open();
    questions_by_address_.acquire(remote_address);
    co_await check_free(std::move(username));
}

Task<void> Registration::check_free(std::string username) {
    auto user_id = free_user_id(username);
    if (co_await is_taken(std::move(user_id))) throw user_in_use();
}

Task<bool> Registration::is_token_valid(std::string token, std::string remote_address) {
    check_open();
    questions_by_address_.acquire(remote_address);
    co_return co_await tokens_.is_valid(std::move(token));
}

Task<Registered> Registration::register_user(RegisterRequest request) {
    check_open();
    if (const auto wait_ms = accounts_by_address_.peek(request.remote_address); wait_ms > 0) {
        throw core::MatrixError::limit_exceeded(wait_ms);
    }
    // What is wrong with the wishes is said before anybody proves anything; a request without them asks for
    // the flows.
    if (request.password) passwords_.check_acceptable(*request.password);
    if (!request.password && request.operation.body.contains("auth")) {
        throw core::MatrixError::missing_param("Missing password");
    }
    auto user_id = co_await user_id_for(request);
    auto proof = co_await interactive_auth_.require(request.operation, flows());
    if (proof.outcome) co_return co_await finish(std::move(*proof.outcome), std::move(request));

    auto email = proof.email();
    if (email && co_await third_party_ids_.owner_of(email->medium, email->address)) {
        throw core::MatrixError{400, "M_THREEPID_IN_USE", "The address belongs to an account already"};
    }
    accounts_by_address_.acquire(request.remote_address);
    NewAccount account;
    account.user_id = user_id;
    account.password = request.password;
    account.upgrades_guest = request.guest_access_token.has_value();
    if (const auto token = proof.stages.find(std::string{auth_stage::kRegistrationToken});
        token != proof.stages.end()) {
        co_await create_with_token(std::move(account), token->second);
    } else {
        co_await create_account(std::move(account));
    }
    if (email) co_await third_party_ids_.add_to_new_account(user_id, std::move(*email));
    co_await interactive_auth_.set_outcome(std::move(proof.session_id), user_id);
    co_return co_await finish(std::move(user_id), std::move(request));
}

Task<std::string> Registration::user_id_for(const RegisterRequest& request) {
    if (!request.username && request.guest_access_token) {
        throw core::MatrixError::missing_param("A guest's username is needed");
    }
    if (!request.username) co_return new_user_id(random_localpart(), config_.server_name);
    if (request.guest_access_token) {
        auto user_id = new_user_id(*request.username, config_.server_name);
        if (!co_await is_own_guest(request, user_id)) {
            throw core::MatrixError::forbidden("The access token is not that of this guest");
        }
        co_return user_id;
    }
    auto user_id = free_user_id(*request.username);
    if (co_await is_taken(user_id)) {
        // Perhaps by this very request, whose answer got lost.
        if (co_await interactive_auth_.outcome_of(request.operation) != user_id) throw user_in_use();
    }
    co_return user_id;
}

Task<void> Registration::create_with_token(NewAccount account, std::string token) {
    if (!co_await tokens_.reserve(token)) throw core::MatrixError::forbidden("Invalid registration token");
    std::exception_ptr failure;
    try {
        co_await create_account(std::move(account));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await tokens_.release(std::move(token));
        std::rethrow_exception(failure);
    }
    co_await tokens_.complete(std::move(token));
}

Task<Registered> Registration::finish(std::string user_id, RegisterRequest request) {
    Registered registered{std::move(user_id), std::nullopt};
    if (!request.inhibit_login) {
        registered.session = co_await sessions_.open(registered.user_id, std::move(request.device));
    }
    co_return registered;
}

Task<Registered> Registration::register_by_appservice(std::string as_token, RegisterRequest request) {
    const auto* service = appservices_ ? appservices_->with_token(as_token) : nullptr;
    if (!service) throw core::MatrixError{401, "M_UNKNOWN_TOKEN", "This is not the token of an application service"};
    if (!request.username) throw core::MatrixError::missing_param("'username' is missing");
    NewAccount account;
    account.user_id = service_user_id(*request.username, config_.server_name);
    account.appservice_id = service->id;
    appservices_->check_own_user(*service, account.user_id);
    auto user_id = account.user_id;
    co_await create_account(std::move(account));
    co_return co_await finish(std::move(user_id), std::move(request));
}

Task<void> Registration::ensure_sender(const Appservices::Service& service) {
    storage::NewUser user;
    user.user_id = appservices_->sender_of(service);
    user.appservice_id = service.id;
    user.displayname = service.sender_localpart;
    if (!co_await users_.get_user(user.user_id)) co_await users_.create_user(std::move(user));
}

Task<Registered> Registration::register_guest(std::optional<std::string> initial_device_display_name,
                                              std::string remote_address) {
    if (!config_.allow_guest_access) throw core::MatrixError::forbidden("Guest access is disabled");
    accounts_by_address_.acquire(remote_address);
    NewAccount account;
    account.user_id = new_user_id(random_localpart(), config_.server_name);
    account.guest = true;
    Registered registered{account.user_id, std::nullopt};
    co_await create_account(std::move(account));
    DeviceChoice device;
    device.initial_display_name = std::move(initial_device_display_name);
    registered.session = co_await sessions_.open(registered.user_id, std::move(device));
    co_return registered;
}

Task<bool> Registration::is_own_guest(const RegisterRequest& request, const std::string& user_id) {
    const auto owner = co_await access_tokens_.get_user_by_access_token(*request.guest_access_token);
    co_return owner && owner->guest && owner->user_id == user_id;
}

Task<void> Registration::upgrade_guest(std::string user_id, std::string password) {
    auto hash = co_await passwords_.hash(std::move(password));
    co_await upgrade_checked_guest(std::move(user_id), std::move(hash));
}

Task<void> Registration::upgrade_checked_guest(std::string user_id, std::string password_hash) {
    if (!co_await users_.upgrade_guest(user_id, std::move(password_hash))) throw user_in_use();
    co_await access_tokens_.forget_cached_tokens_of_user(std::move(user_id));
}

Task<void> Registration::create_account(NewAccount account) {
    if (account.upgrades_guest) {
        co_await upgrade_guest(std::move(account.user_id), account.password.value_or(""));
        co_return;
    }
    storage::NewUser user;
    if (account.password) user.password_hash = co_await passwords_.hash(std::move(*account.password));
    user.user_id = account.user_id;
    user.admin = account.admin;
    user.guest = account.guest;
    user.user_type = std::move(account.user_type);
    user.appservice_id = std::move(account.appservice_id);
    user.displayname = account.displayname ? std::move(*account.displayname)
                                           : std::string{proto::UserId::trusted(account.user_id).localpart()};
    if (!co_await users_.create_user(std::move(user))) throw user_in_use();
    core::log_info("accounts", "new account {}{}", account.user_id, account.admin ? " (admin)" : "");
}

}  // namespace weft::handlers
