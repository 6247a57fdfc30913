package io.sluice.control.objects;

/**
 * An object that the mesh does not read.
 *
 * @param meta name and origin; the name may be empty
 * @param version version of its API
 * @param isReadInOtherVersion whether the mesh reads the kind, but in another version of the API
 */
public record OtherObject(ObjectMeta meta, String version, boolean isReadInOtherVersion)
    implements KubernetesObject {}
