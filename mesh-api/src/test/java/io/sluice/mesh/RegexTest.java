package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegexTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          .*; /any/path; true
          /buy; /buy; true
          /buy; /buy/; false
          /buy; /x/buy; false
          /buy.*; /buyer; true
          /buy.*; /buy; true
          /buy.*; /bu; false
          /buy.*; /buy\\nx; true
          /v1\\.0/.*; /v1.0/a; true
          /v1\\.0/.*; /v1x0/a; false
          /buy\\.*; /buy..; true
          /buy\\.*; /buyer; false
          /a|/buy.*; /buyer; true
          /a|/buy.*; /a/b; false
          ^/buy$; /buy; true
          /a|/b; /b; true
          /a|/b; /bc; false
          .*Firefox.*; Mozilla/Firefox/1; true
          /[0-9]{2,3}; /123; true
          /[0-9]{2,3}; /1234; false
          (?i)/Buy; /bUY; true
          [[:alpha:]{3}]; {; true
          /a.b; /a\\nb; true
          /a\\.b; /a.b; true
          /a\\.b; /axb; false
          /a(/.*)?; /a; true
          /a(/.*)?; /a/; true
          /a(/.*)?; /a/b; true
          /a(/.*)?; /ab; false
          /a+(/.*)?; /aa/b; true
          """)
  void matchesTheWholeText(String regex, String text, boolean matches) {
    assertThat(Regex.of(regex).matches(text.translateEscapes())).isEqualTo(matches);
  }

  @Test
  void isMadeOfTextsThatMeanThemselves() {
    assertThat(Regex.literally("/a.b+(c)").matches("/a.b+(c)")).isTrue();
    assertThat(Regex.literally("/a.b").matches("/axb")).isFalse();
    assertThat(Regex.literally("")).matches(regex -> regex.matches("") && !regex.matches("a"));
    assertThat(Regex.segments("/v1.0/").matches("/v1.0/x")).isTrue();
    assertThat(Regex.segments("/v1.0").matches("/v1.0x")).isFalse();
  }

  @Test
  void isEqualByItsText() {
    assertThat(Regex.of("/a+")).isEqualTo(Regex.of("/a+")).isNotEqualTo(Regex.of("/a*"));
    assertThat(Regex.of(".*")).isSameAs(Regex.ANY);
    assertThat(Regex.of("/a+")).hasToString("/a+").hasSameHashCodeAs(Regex.of("/a+"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        "a**",
        "[z-a]",
        "(?=a)",
        "\\1",
        "\\",
        "a{2001}",
        "(a{1000}){1000}",
        "((((((a{1000}){1000}){1000}){1000}){1000}){1000})*",
        "([[:alpha:]]{900}|[]({]{900}x{900}){9}",
        "(\\Q)\\Ea{999}){999}",
        "(\\pL{60}){60}"
      })
  void saysWhatIsWrong(String regex) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () ->
            assertThatThrownBy(() -> Regex.of(regex))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("'" + regex.substring(0, Math.min(80, regex.length()))));
  }

  @Test
  void hasABound() {
    assertThat(Regex.of("/".repeat(Regex.MAX_CHARACTERS)).text()).hasSize(Regex.MAX_CHARACTERS);
    assertThatThrownBy(() -> Regex.of("/".repeat(Regex.MAX_CHARACTERS + 1)))
        .hasMessageContaining("more than 1024 characters");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[a-z]{1,63}(\\.[a-z]{1,63}){3}",
        "\\x{2603}+",
        "/v[0-9]+/items/[^/]{1,200}(/.*)?"
      })
  void takesWhatPeopleWrite(String regex) {
    assertThat(Regex.of(regex).text()).isEqualTo(regex);
  }
}
