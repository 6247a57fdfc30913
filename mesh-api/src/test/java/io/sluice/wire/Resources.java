package io.sluice.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.sluice.api.discovery.v1.Resource;

/** Resources as no encoder makes them. */
final class Resources {
  private Resources() {}

  /** The same resource with another content, and the version that goes with it. */
  static Resource with(Resource resource, ByteString content) {
    return resource.toBuilder().setContent(content).setVersion(Version.of(content)).build();
  }

  static Resource of(ResourceKey key, MessageLite content) {
    return with(
        Resource.newBuilder().setType(key.type()).setName(key.name()).build(),
        content.toByteString());
  }
}
