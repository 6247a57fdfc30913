package io.sluice.mesh;

import com.google.protobuf.ByteString;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** What is asked of the fields of one resource before they become values of the model. */
public record Checks(ResourceKey key) {
  private static final String MEND =
      "mend the object that it was made of; if that is right, the controller is of another release";

  /** Highest TCP port. */
  private static final int LAST_PORT = 65_535;

  UnusableResourceException unusable(String field, String problem) {
    return new UnusableResourceException(key, field, problem, MEND);
  }

  /** What {@code parse} makes of a field; what it does not like is a problem of that field. */
  <T> T value(String field, Supplier<T> parse) {
    try {
      return parse.get();
    } catch (IllegalArgumentException e) {
      throw new UnusableResourceException(key, field, String.valueOf(e.getMessage()), MEND, e);
    }
  }

  String text(String field, String text, int most) {
    if (text.length() > most) {
      throw unusable(field, "it has " + text.length() + " characters, more than " + most);
    }
    if (text.indexOf('\0') >= 0) {
      throw unusable(field, "it holds a zero byte");
    }
    return text;
  }

  void atMost(String field, int size, int most) {
    if (size > most) {
      throw unusable(field, "it has " + size + " entries, more than " + most);
    }
  }

  int port(String field, int port) {
    if (port < 1 || port > LAST_PORT) {
      throw unusable(field, "port " + Integer.toUnsignedString(port) + " is outside 1..65535");
    }
    return port;
  }

  Set<Integer> ports(String field, Collection<Integer> ports) {
    atMost(field, ports.size(), WireLimits.PORTS);
    Set<Integer> read = new HashSet<>();
    ports.forEach(port -> read.add(port(field, port)));
    return read;
  }

  InetAddress address(String field, ByteString bytes) {
    return value(field, () -> IpAddresses.of(bytes.toByteArray()));
  }

  List<InetAddress> addresses(String field, List<ByteString> addresses, int most) {
    return list(field, addresses, most, bytes -> IpAddresses.of(bytes.toByteArray()));
  }

  <S, T> List<T> list(String field, List<S> from, int most, Function<S, T> parse) {
    atMost(field, from.size(), most);
    List<T> read = new ArrayList<>(from.size());
    for (S one : from) {
      read.add(value(field, () -> parse.apply(one)));
    }
    return read;
  }

  <S, T> Set<T> set(String field, List<S> from, int most, Function<S, T> parse) {
    return new HashSet<>(list(field, from, most, parse));
  }
}
