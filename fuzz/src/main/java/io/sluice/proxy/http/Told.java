package io.sluice.proxy.http;

import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/** A message as it was told: all that has to be the same in front of the proxy and behind it. */
class Told implements HttpStream.Listener {
  final List<String> interim = new ArrayList<>();
  @Nullable Head head;
  final ByteArrayOutputStream content = new ByteArrayOutputStream();
  private @Nullable Fields trailers;
  boolean whole;
  HttpStream.@Nullable Abort aborted;
  private final IntConsumer taken;

  /** Nothing of it yet; {@code taken} hears of the octets of content that were taken. */
  Told(IntConsumer taken) {
    this.taken = taken;
  }

  @Override
  public void head(Head told, boolean last) {
    if (told.isInterim() && told.status() != 101) {
      interim.add(text(told));
    } else {
      head = told;
      whole = last;
    }
  }

  @Override
  public void data(ByteBuf bytes, boolean last) {
    byte[] octets = new byte[bytes.readableBytes()];
    bytes.readBytes(octets).release();
    content.writeBytes(octets);
    whole = last;
    taken.accept(octets.length);
  }

  @Override
  public void trailers(Fields told) {
    trailers = told.size() == 0 ? null : told;
    whole = true;
  }

  @Override
  public void aborted(HttpStream.Abort how) {
    aborted = how;
  }

  /** Once there is one. */
  Head head() {
    return Objects.requireNonNull(head);
  }

  /** Whether it is an answer in the place of an application that gave none. */
  boolean isOfTheProxy() {
    int status = head().status();
    return whole && (status == 502 || status == 503) && content.size() == 0;
  }

  /** Whether policy grants it; its path has its one form then, as the application gets it. */
  static boolean isGranted(Head request) {
    try {
      request.path(request.path().equals("*") ? "*" : Paths.normalised(request.path()));
    } catch (BadMessage e) {
      return false;
    }
    request.fields.removeLike("x-forwarded-client-cert");
    return Edge.GRANTED.matches(request.path());
  }

  /** Whether it is the same as far as it goes. */
  boolean isPartOf(Told other) {
    byte[] mine = content.toByteArray();
    byte[] whole = other.content.toByteArray();
    return head == null
        || other.head != null
            && text(head).equals(text(other.head))
            && mine.length <= whole.length
            && Arrays.equals(mine, 0, mine.length, whole, 0, mine.length);
  }

  /** All but the content. */
  static String text(Head head) {
    StringBuilder text = new StringBuilder();
    text.append(head.method()).append(' ').append(head.authority()).append(' ');
    text.append(head.path()).append(head.query()).append(' ');
    text.append(head.status()).append(head.phrase).append('\n');
    text.append("upgrade ").append(head.upgrade).append('\n');
    append(text, head.fields);
    return text.toString();
  }

  private static void append(StringBuilder text, Fields fields) {
    for (int i = 0; i < fields.size(); i++) {
      text.append(fields.name(i).toLowerCase(Locale.ROOT)).append(": ");
      text.append(fields.value(i)).append('\n');
    }
  }

  /** All of it. */
  String text() {
    StringBuilder text = new StringBuilder(String.join("", interim));
    text.append(head == null ? "no head" : text(head)).append('\n');
    text.append(content.toString(StandardCharsets.ISO_8859_1));
    Fields last = trailers;
    if (last != null) {
      append(text.append("\ntrailers\n"), last);
    }
    return text.append(whole ? "\nwhole\n" : "\ncut\n").toString();
  }
}
