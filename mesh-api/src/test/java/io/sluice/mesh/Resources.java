package io.sluice.mesh;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.sluice.api.envoy.discovery.Resource;

/** Resources as no encoder makes them. */
final class Resources {
  private Resources() {}

  /** The same resource with another content, and the version that goes with it. */
  static Resource with(Resource resource, ByteString content) {
    return resource.toBuilder()
        .setResource(resource.getResource().toBuilder().setValue(content))
        .setVersion(Version.text(content))
        .build();
  }

  static Resource of(ResourceKey key, Message content) {
    return with(
        Resource.newBuilder().setName(key.toString()).setResource(Any.pack(content)).build(),
        content.toByteString());
  }
}
