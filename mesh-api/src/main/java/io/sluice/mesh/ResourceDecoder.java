package io.sluice.mesh;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.sluice.api.envoy.discovery.Resource;
import java.util.Collection;

/** From resources to the model. Any thread. */
public final class ResourceDecoder {
  private static final String TRANSFER =
      "send it again; if it stays so, the two ends are of different releases";

  private ResourceDecoder() {}

  /**
   * What {@code resource} says. Fields that are not known are passed over.
   *
   * @throws UnusableResourceException where anything in it is wrong or beyond a limit
   */
  public static MeshObject decode(Resource resource) {
    return decode(resource, Kind.ALL);
  }

  /** The same where it may be of one of {@code kinds}. */
  public static MeshObject decode(Resource resource, Collection<Kind<?>> kinds) {
    ResourceKey key = ResourceKey.parse(resource.getName());
    Kind<?> kind =
        kinds.stream()
            .filter(one -> one.name().equals(key.kind()))
            .findFirst()
            .orElseThrow(() ->
                new UnusableResourceException(
                    key, "kind", "this release does not know it", "upgrade this end"));
    return decode(resource, kind);
  }

  static MeshObject decode(Resource resource, Kind<?> kind) {
    ResourceKey key = ResourceKey.parse(resource.getName());
    ByteString content = resource.getResource().getValue();
    if (resource.getName().length() > WireLimits.NAME_CHARACTERS) {
      throw new UnusableResourceException(key, "", "its name is too long", TRANSFER);
    }
    if (content.size() > WireLimits.CONTENT_BYTES) {
      throw new UnusableResourceException(
          key,
          "",
          "it takes " + content.size() + " bytes, more than " + WireLimits.CONTENT_BYTES,
          TRANSFER);
    }
    if (!Version.text(content).equals(resource.getVersion())) {
      throw new UnusableResourceException(
          key, "", "its version is not the hash of its content", TRANSFER);
    }
    if (!resource.getResource().getTypeUrl().equals(kind.codec().typeUrl())) {
      throw new UnusableResourceException(
          key, "", "its content is of another type than " + kind.codec().typeUrl(), TRANSFER);
    }
    MeshObject decoded;
    try {
      decoded = kind.codec().read(content, new Checks(key));
    } catch (InvalidProtocolBufferException e) {
      throw new UnusableResourceException(
          key, "", "its content is no such message: " + e.getMessage(), TRANSFER, e);
    }
    if (!decoded.key().equals(key)) {
      throw new UnusableResourceException(
          key, "name", "the content is of " + decoded.key(), TRANSFER);
    }
    return decoded;
  }
}
