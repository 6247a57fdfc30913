package io.sluice.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import io.sluice.api.discovery.v1.Resource;
import io.sluice.api.resources.v1.Settings;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.NamespacedName;

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
  public static MeshResource decode(Resource resource) {
    ResourceKey key = ResourceKey.of(resource);
    ByteString content = resource.getContent();
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
    if (Version.of(content) != resource.getVersion()) {
      throw new UnusableResourceException(
          key, "", "its version is not the hash of its content", TRANSFER);
    }
    MeshResource decoded = decode(key, content);
    if (!decoded.key().equals(key)) {
      throw new UnusableResourceException(
          key, "name", "the content is of " + decoded.key(), TRANSFER);
    }
    return decoded;
  }

  private static MeshResource decode(ResourceKey key, ByteString content) {
    Checks checks = new Checks(key);
    return switch (key.type()) {
      case WORKLOAD ->
          new MeshResource.OfWorkload(
              WorkloadCodec.model(
                  parse(io.sluice.api.resources.v1.Workload.parser(), key, content), checks));
      case SERVICE ->
          new MeshResource.OfService(
              ServiceCodec.model(
                  parse(io.sluice.api.resources.v1.Service.parser(), key, content), checks));
      case PERMISSION ->
          new MeshResource.OfPermission(
              PermissionCodec.model(
                  parse(io.sluice.api.resources.v1.Permission.parser(), key, content), checks));
      case SETTINGS -> settings(key, parse(Settings.parser(), key, content), checks);
      case NAMESPACE ->
          namespace(parse(io.sluice.api.resources.v1.Namespace.parser(), key, content), checks);
      case RESOURCE_TYPE_UNSPECIFIED, UNRECOGNIZED ->
          throw new UnusableResourceException(
              key, "type", "this release does not know the type", "upgrade this end");
    };
  }

  private static <T> T parse(Parser<T> parser, ResourceKey key, ByteString content) {
    try {
      return parser.parseFrom(content);
    } catch (InvalidProtocolBufferException e) {
      throw new UnusableResourceException(
          key, "", "its content is no such message: " + e.getMessage(), TRANSFER, e);
    }
  }

  private static MeshResource settings(ResourceKey key, Settings message, Checks checks) {
    if (!key.equals(ResourceKey.SETTINGS)) {
      throw checks.unusable("", "the one settings are called " + ResourceKey.SETTINGS_NAME);
    }
    return new MeshResource.OfSettings(SettingsCodec.model(message, checks));
  }

  private static MeshResource namespace(
      io.sluice.api.resources.v1.Namespace message, Checks checks) {
    String name =
        checks.value("name", () -> new NamespacedName(message.getName(), "any")).namespace();
    NamespaceMembership membership =
        switch (message.getMembership()) {
          case INSIDE -> NamespaceMembership.INSIDE;
          case MIXED -> NamespaceMembership.MIXED;
          case OUTSIDE -> NamespaceMembership.OUTSIDE;
          case MEMBERSHIP_UNSPECIFIED, UNRECOGNIZED ->
              throw checks.unusable("membership", "it is none that is known here");
        };
    return new MeshResource.OfNamespace(name, membership);
  }
}
