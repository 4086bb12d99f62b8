#include "weft/handlers/accounts/shared_secret_registration.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <stdexcept>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"
#include "weft/handlers/accounts/usernames.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kNonceCharacters = 64;

bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void check_parts(const SharedSecretRequest& request) {
    // A NUL inside a part would let one MAC stand for two different requests.
    if (request.username.empty() || has_nul(request.username))
        throw core::MatrixError::invalid_param("Invalid username");
    if (has_nul(request.password)) throw core::MatrixError::invalid_param("Invalid password");
    if (request.user_type && *request.user_type != "support" && *request.user_type != "bot") {
        throw core::MatrixError::invalid_param("Invalid user type");
    }
}

}  // namespace

std::string registration_mac(const SharedSecretRequest& request, std::string_view secret) {
    std::string message = request.nonce;
    const auto add = [&message](std::string_view part) {
        message += '\0';
        message += part;
    };
    add(request.username);
    add(request.password);
    add(request.admin ? "admin" : "notadmin");
    if (request.user_type) add(*request.user_type);

    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    if (!HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
              reinterpret_cast<const unsigned char*>(message.data()), message.size(), mac.data(), &size)) {
        throw std::runtime_error{"cannot compute an HMAC-SHA1"};
    }
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) fmt::format_to(std::back_inserter(hex), "{:02x}", mac[i]);
    return hex;
}

SharedSecretRegistration::SharedSecretRegistration(Registration& registration, Sessions& sessions,
                                                   const core::Config& config, const core::Clock& clock)
    : registration_{registration}, sessions_{sessions}, config_{config}, clock_{clock} {}

void SharedSecretRegistration::check_enabled() const {
    if (config_.registration_shared_secret.empty()) {
        throw core::MatrixError::unknown("Shared secret registration is not enabled");
    }
}

std::string SharedSecretRegistration::make_nonce() {
    check_enabled();
    const auto now_ms = clock_.monotonic_ms();
    std::erase_if(nonces_, [&](const auto& entry) { return entry.second <= now_ms; });
    if (nonces_.size() >= kNoncesMax) throw core::MatrixError::limit_exceeded(kNonceLifetimeMs);
    auto nonce = core::random_alphanumeric(kNonceCharacters);
    nonces_.emplace(nonce, now_ms + kNonceLifetimeMs);
    return nonce;
}

void SharedSecretRegistration::use_nonce(const std::string& nonce) {
    const auto found = nonces_.find(nonce);
    const bool valid = found != nonces_.end() && found->second > clock_.monotonic_ms();
    if (found != nonces_.end()) nonces_.erase(found);
    if (!valid) throw core::MatrixError::unknown("Unrecognised nonce");
}

Task<Session> SharedSecretRegistration::register_user(SharedSecretRequest request) {
    check_enabled();
    check_parts(request);
    use_nonce(request.nonce);
    const auto expected = registration_mac(request, config_.registration_shared_secret);
    if (!same_in_constant_time(expected, request.mac)) throw core::MatrixError::forbidden("HMAC incorrect");

    NewAccount account;
    account.user_id = new_user_id(request.username, config_.server_name);
    account.password = std::move(request.password);
    account.displayname = std::move(request.displayname);
    account.admin = request.admin;
    account.user_type = std::move(request.user_type);
    auto user_id = account.user_id;
    co_await registration_.create_account(std::move(account));
    co_return co_await sessions_.open(std::move(user_id), DeviceChoice{});
}

}  // namespace weft::handlers
