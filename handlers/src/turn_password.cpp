#include "weft/handlers/turn_password.hpp"

#include <array>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "weft/proto/crypto.hpp"

namespace weft::handlers {

std::string turn_password(std::string_view shared_secret, std::string_view username) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    if (!HMAC(EVP_sha1(), shared_secret.data(), static_cast<int>(shared_secret.size()),
              reinterpret_cast<const unsigned char*>(username.data()), username.size(), mac.data(), &size)) {
        throw std::runtime_error{"cannot compute an HMAC-SHA1"};
    }
    auto text = proto::base64_encode({reinterpret_cast<const char*>(mac.data()), size});
    while (text.size() % 4 != 0) text += '=';
    return text;
}

}  // namespace weft::handlers
