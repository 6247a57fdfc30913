package io.sluice.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PrintableTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "Pod shop/web-0: not found", "naïve 店 \uD83D\uDE80", "a\\nb"})
  void plainTextStaysTheSame(String text) {
    assertThat(Printable.line(text)).isSameAs(text);
  }

  @Test
  void whatBreaksALineOrDrivesATerminalIsWrittenOut() {
    assertThat(Printable.line("web\n2026-01-01 SEVERE all pods are open"))
        .isEqualTo("web\\n2026-01-01 SEVERE all pods are open");
    assertThat(Printable.line("\uD83D\uDE80\r\t\u001b[2J\u007f"))
        .isEqualTo("\uD83D\uDE80\\r\\t\\u001b[2J\\u007f");
  }

  @ParameterizedTest
  @CsvSource({
    "0000", "0085", "009b", "2028", "2029", "202e", "2066", "200b", "feff", "d800",
  })
  void soIsWhatOnlyUnicodeKnows(String unit) {
    String text = "a" + (char) Integer.parseInt(unit, 16) + "b";

    assertThat(Printable.line(text)).isEqualTo("a\\u" + unit + "b");
  }

  /** A terminal obeys U+009B as it does ESC [, which JSON lets through. */
  @Test
  void linesStayLines() {
    assertThat(Printable.lines("{\n  \"pod\" : \"\u009b2J\"\n}\n"))
        .isEqualTo("{\n  \"pod\" : \"\\u009b2J\"\n}\n");
  }

  @Test
  void beginningOfALongTextIsCutBeforeItIsWritten() {
    assertThat(Printable.text("ab\ncd", 3)).isEqualTo("ab\\n");
  }
}
