package io.sluice.conformance;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Which test of the specification's conformance suite a test stands for. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@interface Profile {
  /** Its short name. */
  String name();

  /** The profile that it belongs to. */
  String profile() default "MESH-HTTP";

  /** The extended feature that it is of; empty where it is of the core. */
  String feature() default "";
}
