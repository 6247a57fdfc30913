package io.sluice.mesh;

import io.sluice.api.resources.v1.SharedDescriptor;
import io.sluice.api.resources.v1.SharedEntry;
import io.sluice.api.resources.v1.SharedHeaderMatch;
import io.sluice.mesh.SharedLimit.Descriptor;
import io.sluice.mesh.SharedLimit.Entry;
import io.sluice.mesh.SharedLimit.HeaderMatch;
import java.util.List;

/** Limits that others count, as messages and back. */
final class SharedLimitCodec {
  private SharedLimitCodec() {}

  static io.sluice.api.resources.v1.SharedLimit message(SharedLimit limit) {
    var message =
        io.sluice.api.resources.v1.SharedLimit.newBuilder()
            .setHost(limit.server().host())
            .setPort(limit.server().port())
            .setDomain(limit.domain())
            .setTimeoutMillis((int) limit.timeoutMillis())
            .setFailOpen(limit.failOpen());
    limit.descriptors().forEach(one -> message.addDescriptors(message(one)));
    return message.build();
  }

  static SharedDescriptor message(Descriptor descriptor) {
    SharedDescriptor.Builder message = SharedDescriptor.newBuilder();
    descriptor.entries().forEach(entry -> message.addEntries(message(entry)));
    return message.build();
  }

  private static SharedEntry message(Entry entry) {
    SharedEntry.Builder message = SharedEntry.newBuilder().setKey(entry.key());
    switch (entry) {
      case Entry.Fixed(String _, String value) -> message.setValue(value);
      case Entry.ClientAddress() -> {}
      case Entry.OfHeader(String _, String name) -> message.setHeader(name);
      case Entry.Matching(String _, String value, boolean expected, List<HeaderMatch> headers) -> {
        message.setValue(value).setUnexpected(!expected);
        headers.forEach(header ->
            message.addHeaders(
                SharedHeaderMatch.newBuilder()
                    .setName(header.name())
                    .setAbsent(!header.present())
                    .setValue(header.value().text())));
      }
    }
    return message.build();
  }

  static SharedLimit model(io.sluice.api.resources.v1.SharedLimit message, Checks checks) {
    return new SharedLimit(
        new NamedServer(message.getHost(), message.getPort()),
        message.getDomain(),
        descriptors("limits.shared", message.getDescriptorsList(), checks),
        Integer.toUnsignedLong(message.getTimeoutMillis()),
        message.getFailOpen());
  }

  static List<Descriptor> descriptors(
      String field, List<SharedDescriptor> messages, Checks checks) {
    return checks.list(
        field,
        messages,
        SharedLimit.MOST_DESCRIPTORS,
        message ->
            new Descriptor(
                checks.list(
                    field + ".entries",
                    message.getEntriesList(),
                    SharedLimit.MOST_ENTRIES,
                    entry -> entry(entry, checks))));
  }

  private static Entry entry(SharedEntry message, Checks checks) {
    if (message.getHeadersCount() > 0) {
      return new Entry.Matching(
          message.getKey(),
          message.getValue(),
          !message.getUnexpected(),
          checks.list(
              "headers",
              message.getHeadersList(),
              SharedLimit.MOST_ENTRIES,
              header ->
                  new HeaderMatch(
                      header.getName(), !header.getAbsent(), Regex.of(header.getValue()))));
    }
    if (!message.getValue().isEmpty()) {
      return new Entry.Fixed(message.getKey(), message.getValue());
    }
    return message.getHeader().isEmpty()
        ? new Entry.ClientAddress()
        : new Entry.OfHeader(message.getKey(), message.getHeader());
  }
}
