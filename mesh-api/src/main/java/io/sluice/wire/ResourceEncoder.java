package io.sluice.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.resources.v1.Membership;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.stream.Stream;

/**
 * From the model to resources. What was encoded can be decoded: an object that goes beyond a limit
 * fails here, and not at every node. Any thread.
 */
public final class ResourceEncoder {
  private ResourceEncoder() {}

  /** Everything in {@code snapshot}, in no order. */
  public static Stream<MeshResource> resources(MeshSnapshot snapshot) {
    return Stream.of(
            Stream.of(new MeshResource.OfSettings(snapshot.settings())),
            snapshot.namespaces().entrySet().stream()
                .map(one -> new MeshResource.OfNamespace(one.getKey(), one.getValue())),
            snapshot.workloads().stream().map(MeshResource.OfWorkload::new),
            snapshot.services().stream().map(MeshResource.OfService::new),
            snapshot.permissions().stream().map(MeshResource.OfPermission::new))
        .flatMap(part -> part);
  }

  /**
   * The resource for {@code object}.
   *
   * @throws UnusableResourceException where no node could use it
   */
  public static Resource encode(MeshResource object) {
    ResourceKey key = object.key();
    ByteString content = bytes(message(object));
    if (content.size() > WireLimits.CONTENT_BYTES) {
      throw new UnusableResourceException(
          key,
          "",
          "it takes " + content.size() + " bytes, more than " + WireLimits.CONTENT_BYTES,
          "split it into several");
    }
    Resource encoded =
        Resource.newBuilder()
            .setType(key.type())
            .setName(key.name())
            .setVersion(Version.of(content))
            .setContent(content)
            .build();
    ResourceDecoder.decode(encoded);
    return encoded;
  }

  private static MessageLite message(MeshResource object) {
    return switch (object) {
      case MeshResource.OfWorkload one -> WorkloadCodec.message(one.workload());
      case MeshResource.OfService one -> ServiceCodec.message(one.service());
      case MeshResource.OfPermission one -> PermissionCodec.message(one.permission());
      case MeshResource.OfSettings one -> SettingsCodec.message(one.settings());
      case MeshResource.OfNamespace one ->
          io.sluice.api.resources.v1.Namespace.newBuilder()
              .setName(one.name())
              .setMembership(membership(one.membership()))
              .build();
    };
  }

  private static Membership membership(NamespaceMembership membership) {
    return switch (membership) {
      case INSIDE -> Membership.INSIDE;
      case MIXED -> Membership.MIXED;
      case OUTSIDE -> Membership.OUTSIDE;
    };
  }

  /** Maps sorted by key; all else is in one order anyway. */
  private static ByteString bytes(MessageLite message) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every message", e);
    }
    out.checkNoSpaceLeft();
    return ByteString.copyFrom(bytes);
  }
}
