#include <catch2/catch.hpp>

#include "weft/handlers/accounts/shared_secret_registration.hpp"

using namespace weft::handlers;

TEST_CASE("the registration MAC is HMAC-SHA1 over the parts with NUL between them", "[accounts]") {
    SharedSecretRequest request;
    request.nonce = "n0nce";
    request.username = "alice";
    request.password = "pass";

    // printf 'n0nce\0alice\0pass\0notadmin' | openssl sha1 -hmac secret
    CHECK(registration_mac(request, "secret") == "d2c54943e17549856453c11f9df00a168c7ab769");

    request.admin = true;
    request.user_type = "bot";
    CHECK(registration_mac(request, "secret") == "e25eed90109a0eb545783d4b070ff936830b89a9");
}
