package io.sluice.node.handover;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamespacedName;
import io.sluice.proxy.admission.Remembered;
import io.sluice.proxy.admission.Remembered.Ejected;
import io.sluice.proxy.admission.Remembered.Out;
import io.sluice.proxy.admission.Remembered.Spared;
import io.sluice.proxy.admission.Remembered.Taken;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** What a proxy has found out and counted, as JSON between one daemon and the next. */
final class RememberedFormat {
  /** Of the line that has it; one of a release that knows nothing of it has none. */
  static final String FIELD = "remembered";

  private static final System.Logger LOG = System.getLogger(RememberedFormat.class.getName());

  /** Of each kind, that is read. */
  private static final int MOST = 20_000;

  /** Of each kind, so that all fit in a line many times over, whatever names and limits are. */
  private static final int MOST_BYTES = 300 << 10;

  private RememberedFormat() {}

  /** What there is room for, and of each pod or namespace its share of that. */
  static ObjectNode json(Remembered told) {
    ObjectNode json = Lines.JSON.createObjectNode();
    put(
        json,
        "spared",
        told.spared(),
        each -> each.service().namespace(),
        Comparator.comparing(Spared::left).reversed(),
        (each, row) ->
            row.put("service", each.service().toString()).put("nanos", each.left().toNanos()));
    put(
        json,
        "taken",
        told.taken(),
        Taken::pod,
        Comparator.comparing(Taken::untilFull).reversed(),
        (each, row) ->
            row.put("pod", each.pod().toString())
                .put("service", each.service().toString())
                .put("limit", each.limit())
                .put("nanos", each.untilFull().toNanos()));
    put(
        json,
        "out",
        told.out(),
        Out::caller,
        (_, _) -> 0,
        (each, row) ->
            row.put("address", IpAddresses.text(each.endpoint().getAddress()))
                .put("port", each.endpoint().getPort())
                .put("pod", each.pod().toString())
                .put("caller", each.caller().toString()));
    put(
        json,
        "ejected",
        told.ejected(),
        each -> each.service().namespace(),
        Comparator.comparing(Ejected::left).reversed(),
        (each, row) ->
            row.put("service", each.service().toString())
                .put("address", IpAddresses.text(each.endpoint().getAddress()))
                .put("port", each.endpoint().getPort())
                .put("times", each.times())
                .put("nanos", each.left().toNanos()));
    return json;
  }

  /** One of each owner after the other, the first by {@code order} first, while there is room. */
  private static <T> void put(
      ObjectNode json,
      String name,
      List<T> all,
      Function<T, Object> owner,
      Comparator<T> order,
      BiConsumer<T, ObjectNode> write) {
    Map<Object, List<T>> shares = new LinkedHashMap<>();
    all.forEach(
        each -> shares.computeIfAbsent(owner.apply(each), _ -> new ArrayList<>()).add(each));
    shares.values().forEach(share -> share.sort(order));
    List<Iterator<T>> left = new ArrayList<>();
    shares.values().forEach(share -> left.add(share.iterator()));
    ArrayNode rows = json.putArray(name);
    int bytes = 0;
    while (!left.isEmpty()) {
      for (Iterator<T> share : left) {
        ObjectNode row = Lines.JSON.createObjectNode();
        write.accept(share.next(), row);
        bytes += row.toString().getBytes(StandardCharsets.UTF_8).length + 1;
        if (bytes > MOST_BYTES) {
          LOG.log(
              System.Logger.Level.WARNING,
              "remembered_left_out what={0} count={1}; those begin anew",
              name,
              all.size() - rows.size());
          return;
        }
        rows.add(row);
      }
      left.removeIf(share -> !share.hasNext());
    }
  }

  /** Of a line; nothing where it has none, or one that cannot be read. */
  static Remembered read(JsonNode line) {
    JsonNode json = line.path(FIELD);
    if (json.isMissingNode()) {
      return Remembered.NOTHING;
    }
    try {
      Remembered told =
          new Remembered(
              all(json, "spared", each -> new Spared(name(each, "service"), nanos(each))),
              all(
                  json,
                  "taken",
                  each ->
                      new Taken(
                          name(each, "pod"),
                          name(each, "service"),
                          text(each, "limit"),
                          nanos(each))),
              all(
                  json,
                  "out",
                  each -> new Out(endpoint(each), name(each, "pod"), name(each, "caller"))),
              all(
                  json,
                  "ejected",
                  each ->
                      new Ejected(
                          name(each, "service"),
                          endpoint(each),
                          each.path("times").asInt(1),
                          nanos(each))));
      LOG.log(System.Logger.Level.INFO, "remembered_taken_over what=\"{0}\"", told);
      return told;
    } catch (RuntimeException e) { // whatever it is: it keeps no daemon from taking over
      LOG.log(
          System.Logger.Level.WARNING,
          "remembered_not_taken_over problem=\"{0}\"; limits, circuit breakers and checks begin"
              + " anew",
          e.getMessage());
      return Remembered.NOTHING;
    }
  }

  private static <T> List<T> all(JsonNode json, String name, Function<JsonNode, T> read) {
    JsonNode array = json.path(name);
    if (!json.isObject() || !(array.isMissingNode() || array.isArray()) || array.size() > MOST) {
      throw new IllegalArgumentException(name + " is not as this release has it");
    }
    List<T> all = new ArrayList<>();
    array.forEach(each -> all.add(read.apply(each)));
    return all;
  }

  private static String text(JsonNode json, String name) {
    JsonNode value = json.path(name);
    if (!value.isTextual()) {
      throw new IllegalArgumentException(name + " is no text");
    }
    return value.textValue();
  }

  private static InetSocketAddress endpoint(JsonNode json) {
    return new InetSocketAddress(
        IpAddresses.parse(text(json, "address")), json.path("port").asInt(-1));
  }

  private static NamespacedName name(JsonNode json, String name) {
    return NamespacedName.parse(text(json, name));
  }

  private static Duration nanos(JsonNode json) {
    JsonNode value = json.path("nanos");
    if (!value.canConvertToLong() || value.longValue() < 0) {
      throw new IllegalArgumentException("nanos is no length of time");
    }
    return Duration.ofNanos(value.longValue());
  }
}
