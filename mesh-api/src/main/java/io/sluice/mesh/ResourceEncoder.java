package io.sluice.mesh;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import io.sluice.api.envoy.discovery.Resource;

/**
 * From the model to resources. What was encoded can be decoded: an object that goes beyond a limit
 * fails here, and not at every node. Any thread.
 */
public final class ResourceEncoder {
  private ResourceEncoder() {}

  /**
   * The resource for {@code object}.
   *
   * @throws UnusableResourceException where no node could use it
   */
  public static Resource encode(MeshObject object) {
    Kind<?> kind = object.kind();
    ResourceKey key = object.key();
    ByteString content = content(object);
    if (content.size() > WireLimits.CONTENT_BYTES) {
      throw new UnusableResourceException(
          key,
          "",
          "it takes " + content.size() + " bytes, more than " + WireLimits.CONTENT_BYTES,
          "split it into several");
    }
    Resource encoded =
        Resource.newBuilder()
            .setName(key.toString())
            .setVersion(Version.text(content))
            .setResource(Any.newBuilder().setTypeUrl(kind.codec().typeUrl()).setValue(content))
            .build();
    ResourceDecoder.decode(encoded, kind);
    return encoded;
  }

  /** What the resource for {@code object} holds, of which nobody has asked whether it is usable. */
  public static ByteString content(MeshObject object) {
    return content(object.kind(), object);
  }

  /** That content as a message, for who prints it. */
  public static Message message(MeshObject object) {
    return message(object.kind(), object);
  }

  private static <T extends MeshObject> Message message(Kind<T> kind, MeshObject object) {
    return kind.codec().message(kind.cast(object));
  }

  private static <T extends MeshObject> ByteString content(Kind<T> kind, MeshObject object) {
    return kind.codec().bytes(kind.cast(object));
  }
}
