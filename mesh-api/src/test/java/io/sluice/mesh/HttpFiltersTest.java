package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import io.sluice.mesh.HttpFilters.PathChange;
import io.sluice.mesh.HttpFilters.Target;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What routes may change, and what comes of it. */
class HttpFiltersTest {
  /** The table of the specification (HTTPPathModifier). */
  @ParameterizedTest
  @CsvSource({
    "/foo/bar, /foo, /xyz, /xyz/bar",
    "/foo/bar, /foo, /xyz/, /xyz/bar",
    "/foo/bar, /foo/, /xyz, /xyz/bar",
    "/foo/bar, /foo/, /xyz/, /xyz/bar",
    "/foo, /foo, /xyz, /xyz",
    "/foo/, /foo, /xyz, /xyz/",
    "/foo/bar, /foo, '', /bar",
    "/foo/, /foo, '', /",
    "/foo, /foo, '', /",
    "/foo/, /foo, /, /",
    "/foo, /foo, /, /",
    "/foo, /, /xyz, /xyz/foo"
  })
  void aPrefixIsReplacedBySegments(String path, String prefix, String by, String expected) {
    assertThat(new PathChange(prefix, by).of(path)).isEqualTo(expected);
  }

  @Test
  void aWholePathIsReplaced() {
    assertThat(new PathChange(null, "/one").of("/foo/bar")).isEqualTo("/one");
    assertThat(new PathChange(null, "").of("/foo/bar")).isEqualTo("/");
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "/a b", "/a?b", "/a#b", "/a\r\nHost: b"})
  void whatIsNoPathIsRefused(String path) {
    assertThatThrownBy(() -> new PathChange(null, path))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is no path");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "x-forwarded-client-cert",
        "",
        ":path",
        "a b"
      })
  void whatFramesAMessageOrTellsWhoCallsIsNotChanged(String name) {
    for (Action action : Action.values()) {
      assertThatThrownBy(() -> new FieldChange(action, name, ""))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\r\nb", "a\0", " a", "a\t", "\u00e9"})
  void whatIsNoValueIsRefused(String value) {
    assertThatThrownBy(() -> new FieldChange(Action.SET, "x-a", value))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatIsNoHostOrSchemeIsRefused() {
    assertThatThrownBy(() -> new Target("", "a/b", 0, null))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Target("ftp", "", 0, null))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
