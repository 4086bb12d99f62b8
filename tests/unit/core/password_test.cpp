#include <catch2/catch.hpp>

#include "weft/core/password.hpp"

using namespace weft;
using core::hash_password;
using core::verify_password;

TEST_CASE("a password is the same however its letters are composed") {
    CHECK(core::normalize_password("plain ASCII 1!") == "plain ASCII 1!");
    CHECK(core::normalize_password("caf\x65\xcc\x81") == "caf\xc3\xa9");   // e and a combining accent
    CHECK(core::normalize_password("\xef\xbc\xa1\xef\xac\x81") == "Afi");  // a full-width A, a ligature
    CHECK(core::normalize_password("\xff") == "\xef\xbf\xbd");
    CHECK(core::normalize_password({"\xc3\xa9\0x", 4}) == std::string{"\xc3\xa9\0x", 4});
}

TEST_CASE("a password matches its own argon2id hash only") {
    const auto hash = hash_password("correct horse");
    CHECK(hash.starts_with("$argon2id$v=19$"));
    CHECK(verify_password("correct horse", hash));
    CHECK_FALSE(verify_password("correct horse ", hash));
    CHECK_FALSE(verify_password("", hash));
    CHECK(hash_password("correct horse") != hash);  // salted
}

TEST_CASE("argon2id takes any bytes, also none and a NUL") {
    for (const auto password :
         {std::string_view{""}, std::string_view{"a\0b", 3}, std::string_view{"pässwörd 🔑"}}) {
        CHECK(verify_password(password, hash_password(password)));
    }
    CHECK_FALSE(verify_password("a", hash_password(std::string_view{"a\0b", 3})));
}

TEST_CASE("argon2id hashes of other implementations are accepted") {
    // The reference implementation's test vectors: version 0x13, password "password", salt "somesalt".
    CHECK(verify_password("password",
                          "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
                          "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
    CHECK_FALSE(verify_password("passwort",
                                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/"
                                "uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
}

TEST_CASE("bcrypt hashes are accepted") {
    // Openwall's crypt_blowfish test vectors.
    CHECK(verify_password("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    CHECK(verify_password("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"));
    CHECK(verify_password("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
    CHECK(verify_password("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"));
    CHECK(verify_password("\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"));
    CHECK_FALSE(verify_password("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
    CHECK_FALSE(verify_password(std::string_view{"U*U\0x", 5},
                                "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

TEST_CASE("a hash that Synapse can check is bcrypt's, unless that would ignore a part of the password") {
    const auto hash = core::hash_password_for_synapse("correct horse");
    CHECK(hash.starts_with("$2b$12$"));
    CHECK(hash.size() == 60);
    CHECK(verify_password("correct horse", hash));
    CHECK_FALSE(verify_password("correct hors", hash));
    CHECK(core::hash_password_for_synapse("correct horse") != hash);  // salted
    const std::string longest(72, 'x');
    CHECK(core::hash_password_for_synapse(longest).starts_with("$2b$"));
    CHECK(core::hash_password_for_synapse(longest + "x").starts_with("$argon2id$"));
    CHECK(core::hash_password_for_synapse(std::string_view{"a\0b", 3}).starts_with("$argon2id$"));
}

TEST_CASE("nothing matches a hash that is none") {
    for (const auto* const hash : {"", "password", "$argon2id$", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
                                   "$2b$05$short", "$2b$99$xx", "$1$a$b", "*", "$2b$"}) {
        CAPTURE(hash);
        CHECK_FALSE(verify_password("password", hash));
        CHECK_FALSE(verify_password("", hash));
    }
}
