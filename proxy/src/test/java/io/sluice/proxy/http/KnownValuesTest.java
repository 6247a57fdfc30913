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

/** What is known of values saves looking at them, and changes nothing of what a message says. */
class KnownValuesTest {
  private final KnownValues values = new KnownValues();

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private @Nullable String find(String text) {
    return values.find(octets(" " + text + "\r"), 1, 1 + text.length());
  }

  private String keep(String text) {
    return values.text(octets(" " + text + "\r"), 1, 1 + text.length());
  }

  @Test
  void whatComesTwiceIsKnownTheThirdTime() {
    for (String each : List.of("", "a", "gzip, deflate", "Mozilla/5.0 (X11)", "\u00e4\u00ff")) {
      assertThat(find(each)).isNull();
      assertThat(keep(each)).isEqualTo(each);
      assertThat(find(each)).as("what comes once is not kept").isNull();
      String second = keep(each);

      assertThat(find(each)).isSameAs(second).isEqualTo(each);
    }
  }

  /** They differ where the mark does not look, and so stand in each other's place. */
  @Test
  void oneThatDiffersInASingleOctetIsAnother() {
    String one = "a".repeat(80);
    keep(one);
    keep(one);
    for (int i = 0; i < one.length(); i++) {
      String other = one.substring(0, i) + "b" + one.substring(i + 1);
      assertThat(find(other)).isNull();
      assertThat(keep(other)).isEqualTo(other);
    }
    assertThat(find(one + "a")).isNull();
    assertThat(find(one.substring(1))).isNull();
  }

  @Test
  void longOnesAreNotKept() {
    String one = "a".repeat(129);
    keep(one);
    keep(one);

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
