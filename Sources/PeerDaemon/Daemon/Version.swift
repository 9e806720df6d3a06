/// As packages and peers see it.
package let version = "0.1.0"
