"""A composed configuration -> the schema's own type, or one line that says what is wrong."""

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from iqa_lab.config import Config
from iqa_lab.config.messages import plain_message
from iqa_lab.errors import UserError


def checked(composed: DictConfig) -> Config:
    """The composed configuration as the schema's own type; keys added with + are refused like misspelt ones."""
    try:
        values = OmegaConf.to_container(composed, resolve=True)
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), values))
    except OmegaConfBaseException as error:
        raise UserError(plain_message(error)) from error
    assert isinstance(config, Config)
    return config
