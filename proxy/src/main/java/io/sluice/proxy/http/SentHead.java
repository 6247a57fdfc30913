package io.sluice.proxy.http;

import io.netty.handler.codec.http2.DefaultHttp2Headers;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A head or trailers as the list of fields that HPACK encodes: pseudo-headers first, names in lower
 * case. Stands in for Netty's own list, which would hash every name; only what the codec asks of it
 * is answered.
 */
final class SentHead extends DefaultHttp2Headers {
  private final Fields pseudo = new Fields();
  private final Fields fields;
  private final @Nullable String status;

  private SentHead(Fields fields, @Nullable String status) {
    super(false, 2);
    this.fields = fields;
    this.status = status;
  }

  static SentHead request(Head head) {
    SentHead list = new SentHead(head.fields, null);
    list.pseudo.add(":method", head.method());
    list.pseudo.add(":scheme", head.scheme());
    list.pseudo.add(":authority", head.authority());
    list.pseudo.add(":path", head.query().isEmpty() ? head.path() : head.path() + head.query());
    String protocol = head.upgrade;
    if (protocol != null) {
      list.pseudo.add(":protocol", protocol);
    }
    return list;
  }

  static SentHead response(Head head) {
    String status = Integer.toString(head.status());
    SentHead list = new SentHead(head.fields, status);
    list.pseudo.add(":status", status);
    return list;
  }

  static SentHead trailers(Fields trailers) {
    return new SentHead(trailers, null);
  }

  /** What the codec asks of a response, to tell an interim one. */
  @Override
  public @Nullable CharSequence status() {
    return status;
  }

  /** Each entry holds until the next is asked for. */
  @Override
  public Iterator<Map.Entry<CharSequence, CharSequence>> iterator() {
    return new Lines();
  }

  private final class Lines
      implements Iterator<Map.Entry<CharSequence, CharSequence>>,
          Map.Entry<CharSequence, CharSequence> {
    private int next;

    @Override
    public boolean hasNext() {
      return next < pseudo.size() + fields.size();
    }

    @Override
    public Map.Entry<CharSequence, CharSequence> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      next++;
      return this;
    }

    @Override
    public CharSequence getKey() {
      int at = next - 1 - pseudo.size();
      return at < 0 ? pseudo.name(next - 1) : fields.name(at).toLowerCase(Locale.ROOT);
    }

    @Override
    public CharSequence getValue() {
      int at = next - 1 - pseudo.size();
      return at < 0 ? pseudo.value(next - 1) : fields.value(at);
    }

    @Override
    public CharSequence setValue(CharSequence value) {
      throw new UnsupportedOperationException();
    }
  }
}
