variable "name" {
  description = "Prefix of everything that is made: NAME-1, NAME-2 are the peers."
  type        = string
  default     = "p2p-peer"
}

variable "vpc_id" {
  description = "The VPC; DNS support and DNS host names must be on, for the private zone."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of that VPC, used in turn; they need a way to the package (NAT gateway or S3 endpoint)."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "At least one subnet is needed."
  }
}

variable "peers" {
  description = "Instances, one peer each."
  type        = number
  default     = 3

  validation {
    condition     = var.peers >= 1 && var.peers <= 200
    error_message = "1 to 200 peers."
  }
}

variable "instance_type" {
  description = "x86-64, as the package is."
  type        = string
  default     = "t3.small"
}

variable "ami_id" {
  description = "Debian 12 or later; empty takes the newest official Debian 12."
  type        = string
  default     = ""
}

variable "volume_gigabytes" {
  description = "Size of the root volume, where /srv/p2p-peer is."
  type        = number
  default     = 30
}

variable "package_url" {
  description = "Where the .deb is: https:// or s3://BUCKET/KEY."
  type        = string

  validation {
    condition     = can(regex("^(https://[^\\s\"]+|s3://[^/\\s\"]+/[^\\s\"]+)$", var.package_url))
    error_message = "An https:// or s3://BUCKET/KEY URL is needed."
  }
}

variable "package_sha256" {
  description = "What sha256sum prints for the .deb."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.package_sha256))
    error_message = "64 lower-case hex digits are needed."
  }
}

variable "monitoring_cidr" {
  description = "Who may read /metrics on port 9001."
  type        = string
}

variable "zone_name" {
  description = "Private DNS zone that is made; peers.ZONE leads to all peers."
  type        = string
  default     = "fleet.internal"
}
