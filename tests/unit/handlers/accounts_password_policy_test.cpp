#include <catch2/catch.hpp>

#include "weft/handlers/accounts/password_policy.hpp"

using namespace weft;
using handlers::password_weakness;

TEST_CASE("a policy that is switched off allows any password") {
    const core::PasswordPolicy policy{.enabled = false, .minimum_length = 20, .require_digit = true};
    CHECK_FALSE(password_weakness("x", policy));
}

TEST_CASE("the length of a password is counted in characters") {
    const core::PasswordPolicy policy{.enabled = true, .minimum_length = 4};
    CHECK(password_weakness("äöü", policy));
    CHECK_FALSE(password_weakness("äöüß", policy));
}

TEST_CASE("each kind of character can be required") {
    const core::PasswordPolicy policy{.enabled = true,
                                      .require_digit = true,
                                      .require_symbol = true,
                                      .require_lowercase = true,
                                      .require_uppercase = true};
    CHECK_FALSE(password_weakness("aB3!", policy));
    CHECK(password_weakness("aB!!", policy) == "The password must contain a digit");
    CHECK(password_weakness("aB33", policy) == "The password must contain a symbol");
    CHECK(password_weakness("AB3!", policy) == "The password must contain a lowercase letter");
    CHECK(password_weakness("ab3!", policy) == "The password must contain an uppercase letter");
}
