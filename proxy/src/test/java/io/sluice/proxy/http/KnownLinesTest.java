package io.sluice.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is known of lines saves looking at them, and changes nothing of what a message says. */
class KnownLinesTest {
  private final KnownLines lines = new KnownLines();

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private KnownLines.@Nullable Line find(String line) {
    return lines.find(octets(" " + line + "\r"), 1, 1 + line.length());
  }

  private void found(String line) {
    String name = line.substring(0, line.indexOf(':'));
    lines.found(
        octets(" " + line + "\r"), 1, 1 + line.length(), name, line.substring(name.length() + 1));
  }

  @Test
  void whatComesTwiceIsKnownTheThirdTime() {
    for (String each : List.of("", "a", "gzip, deflate", "Mozilla/5.0 (X11)", "\u00e4\u00ff")) {
      String line = "Accept:" + each;
      assertThat(find(line)).isNull();
      found(line);
      assertThat(find(line)).as("what comes once is not kept").isNull();
      found(line);

      assertThat(find(line))
          .isNotNull()
          .satisfies(one -> assertThat(one.name() + ":" + one.value()).isEqualTo(line));
    }
  }

  /** They differ where the mark does not look, and so stand in each other's place. */
  @Test
  void oneThatDiffersInASingleOctetIsAnother() {
    String one = "Accept:" + "a".repeat(80);
    found(one);
    found(one);
    assertThat(find(one)).isNotNull();
    for (int i = 0; i < one.length(); i++) {
      assertThat(find(one.substring(0, i) + "b" + one.substring(i + 1))).isNull();
    }
    assertThat(find(one + "a")).isNull();
    assertThat(find(one.substring(1))).isNull();
  }

  @Test
  void longOnesAreNotKept() {
    String one = "Accept:" + "a".repeat(138);
    found(one);
    found(one);

    assertThat(find(one)).isNull();
  }

  private static List<String> values(String head) throws BadMessage {
    List<String> found = new ArrayList<>();
    Http1Parser parser =
        new Http1Parser(
            true,
            new Http1Parser.Sink() {
              @Override
              public void head(Head head, boolean last) {
                for (int i = 0; i < head.fields.size(); i++) {
                  found.add(head.fields.value(i));
                }
              }

              @Override
              public void data(ByteBuf bytes, boolean last) {
                bytes.release();
              }

              @Override
              public void trailers(Fields trailers) {}
            });
    ByteBuf in = Unpooled.wrappedBuffer(octets(head));
    try {
      parser.read(in);
    } finally {
      in.release();
    }
    return found;
  }

  /** The text of one that repeats is the same, that of a secret is each message's own. */
  @Test
  void secretsAreNotKept() throws BadMessage {
    String head =
        "GET / HTTP/1.1\r\nHost: store\r\nUser-Agent: one of them\r\nCookie: secret\r\n"
            + "Authorization: Bearer secret\r\nX-Api-Key: secret\r\n\r\n";
    values(head);
    values(head);
    List<String> third = values(head);
    List<String> fourth = values(head);

    assertThat(fourth).isEqualTo(third).hasSize(4);
    assertThat(fourth.getFirst()).isSameAs(third.getFirst());
    for (int i = 1; i < 4; i++) {
      assertThat(fourth.get(i)).isNotSameAs(third.get(i));
    }
  }

  @Test
  void whatIsNotAllowedIsRefusedHoweverOftenItComes() {
    for (int i = 0; i < 4; i++) {
      assertThatThrownBy(() -> values("GET / HTTP/1.1\r\nHost: a\r\nAccept: a\u0001b\r\n\r\n"))
          .isInstanceOf(BadMessage.class);
    }
  }
}
